import DTMPlan
import NIOConcurrencyHelpers

/// Messages on their way from the thread that reads the link to the tasks of control, in batches and bounded: when
/// control falls behind, the reading thread waits, then the socket fills, and then the data plane drops what it may
/// drop.
final class DataPlaneInbox: Sendable {
    /// What has come since the last was taken.
    struct Batch: Sendable {
        var messages: [DataPlaneMessage] = []
        /// Whether nothing comes any more.
        var isLast = false
        /// Why the link ended, when it broke.
        var failure: PlanError?
    }

    private enum Room: Equatable { case free, full }
    private struct State {
        var batch = Batch()
    }

    static let capacity = 8_192
    private let lock = ConditionLock(value: Room.free)
    private let state = NIOLockedValueBox(State())
    private let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    init() {
        (arrivals, arrived) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// On the reading thread; waits while there is no room.
    func put(_ message: DataPlaneMessage) {
        lock.lock(whenValue: .free)
        let isFull = state.withLockedValue { state in
            state.batch.messages.append(message)
            return state.batch.messages.count >= Self.capacity && !state.batch.isLast
        }
        lock.unlock(withValue: isFull ? .full : .free)
        arrived.yield()
    }

    /// Nothing comes any more. May be called twice; the first reason stays.
    func end(_ failure: PlanError?) {
        lock.lock()
        state.withLockedValue { state in
            if !state.batch.isLast { state.batch.failure = failure }
            state.batch.isLast = true
        }
        lock.unlock(withValue: .free)
        arrived.yield()
    }

    /// Waits for messages or the end.
    func next() async -> Batch {
        var iterator = arrivals.makeAsyncIterator()
        while true {
            let batch = take()
            if !batch.messages.isEmpty || batch.isLast { return batch }
            guard await iterator.next() != nil else { return Batch(isLast: true) }
        }
    }

    private func take() -> Batch {
        lock.lock()
        let batch = state.withLockedValue { state in
            let batch = state.batch
            state.batch.messages = []
            return batch
        }
        lock.unlock(withValue: .free)
        return batch
    }
}
