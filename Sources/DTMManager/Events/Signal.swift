import Synchronization

/// Wakes whoever waits for something to change. It carries no value: who wakes looks for itself, so that a slow reader
/// misses no final state and nothing piles up for it.
final class Signal: Sendable {
    private struct State {
        var continuations: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextID: UInt64 = 0
        var isFinished = false
    }
    private let state = Mutex(State())

    /// One element for each time something changed since the last was taken; ends with ``finish()``.
    func subscribe() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id: UInt64? = state.withLock { state in
            guard !state.isFinished else { return nil }
            state.nextID += 1
            state.continuations[state.nextID] = continuation
            return state.nextID
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.continuations.removeValue(forKey: id) }
        }
        return stream
    }

    /// Something changed.
    func notify() {
        state.withLock { state in
            for continuation in state.continuations.values { continuation.yield() }
        }
    }

    /// Nothing will change any more. Every subscription ends.
    func finish() {
        let continuations = state.withLock { state in
            state.isFinished = true
            defer { state.continuations = [:] }
            return Array(state.continuations.values)
        }
        // Outside the lock: ending a stream calls its termination handler, which takes the lock.
        for continuation in continuations { continuation.finish() }
    }

    /// Reads until there is a value; nil when the time is over or the signal is finished.
    func first<Value: Sendable>(
        within limit: Duration, _ read: @escaping @Sendable () async -> Value?
    ) async -> Value? {
        let changes = subscribe()
        if let value = await read() { return value }
        return await withTaskGroup(of: Value?.self) { group in
            group.addTask {
                for await _ in changes {
                    if let value = await read() { return value }
                }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
