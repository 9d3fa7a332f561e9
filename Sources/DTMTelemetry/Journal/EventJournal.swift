public import DTMCore
import Synchronization

/// An event with its number in the journal.
public struct JournalEntry: Hashable, Sendable {
    /// Counts up by one, from 1, within one control process.
    public var id: UInt64
    public var event: Event

    public init(id: UInt64, event: Event) {
        self.id = id
        self.event = event
    }
}

/// The recent events in memory, with those who follow them.
///
/// Construct one for the control process and append to it from anywhere; it is bounded in every direction and never
/// waits. The oldest events are forgotten first. A follower that is slow loses its oldest and is told how many.
public final class EventJournal: Sendable {
    /// Part of the journal, oldest first.
    public struct Slice: Hashable, Sendable {
        public var entries: [JournalEntry]
        /// How many were asked for and are forgotten already.
        public var missed: UInt64
    }

    private struct State {
        /// The event with number `id` stands at `id % capacity`.
        var ring: [JournalEntry] = []
        var newest: UInt64 = 0
        var nextSubscriber: UInt64 = 0
        var subscribers: [UInt64: AsyncStream<JournalEntry>.Continuation] = [:]
        var isFinished = false
    }

    /// The most events that are kept.
    public let capacity: Int
    /// The most followers at a time.
    public let maximumSubscribers: Int
    private let state = Mutex(State())

    public init(capacity: Int = 4_096, maximumSubscribers: Int = 64) {
        self.capacity = max(1, capacity)
        self.maximumSubscribers = max(1, maximumSubscribers)
    }

    /// The number of the newest event; 0 before the first.
    public var newestID: UInt64 { state.withLock(\.newest) }

    /// Adds an event, passes it to all followers and says its number.
    @discardableResult
    public func append(_ event: Event) -> UInt64 {
        state.withLock { state in
            state.newest += 1
            let entry = JournalEntry(id: state.newest, event: event)
            if state.ring.count < capacity {
                state.ring.append(entry)
            } else {
                state.ring[Int((entry.id - 1) % UInt64(capacity))] = entry
            }
            // Under the lock, so that every follower sees the order of the numbers. `yield` never waits.
            for continuation in state.subscribers.values { continuation.yield(entry) }
            return entry.id
        }
    }

    /// The events after the one numbered `id`. A number that this process has not given yet comes from an earlier
    /// process: everything that is kept is new to its owner.
    public func events(after id: UInt64, limit: Int = .max) -> Slice {
        state.withLock { slice(of: $0, after: id, limit: limit) }
    }

    private func slice(of state: State, after id: UInt64, limit: Int) -> Slice {
        let after = id > state.newest ? 0 : id
        let oldest = state.newest - UInt64(state.ring.count) + 1
        let first = max(after + 1, oldest)
        guard first <= state.newest else { return Slice(entries: [], missed: 0) }
        let last = min(state.newest, first + UInt64(clamping: max(0, min(limit, capacity))) - 1)
        guard first <= last else { return Slice(entries: [], missed: first - after - 1) }
        let entries = (first...last).map { state.ring[Int(($0 - 1) % UInt64(capacity))] }
        return Slice(entries: entries, missed: first - after - 1)
    }

    /// Follows the journal.
    ///
    /// - Parameters:
    ///   - id: Start after this event, as in ``events(after:limit:)``; nil: with the next one.
    ///   - bufferSize: How many events wait for a slow follower before its oldest are lost.
    /// - Throws: ``TelemetryError`` when there are too many followers.
    public func subscribe(after id: UInt64? = nil, bufferSize: Int = 1_024) throws(TelemetryError)
        -> JournalSubscription
    {
        let (stream, continuation) = AsyncStream.makeStream(
            of: JournalEntry.self, bufferingPolicy: .bufferingNewest(max(1, bufferSize)))
        let admitted = state.withLock { state -> (number: UInt64, start: UInt64, past: Slice)? in
            guard state.subscribers.count < maximumSubscribers else { return nil }
            let number = state.nextSubscriber
            state.nextSubscriber += 1
            let past = id.map { slice(of: state, after: $0, limit: .max) } ?? Slice(entries: [], missed: 0)
            if !state.isFinished { state.subscribers[number] = continuation }
            let start = state.newest - UInt64(past.entries.count) - past.missed
            return (number, start, past)
        }
        guard let admitted else { throw .tooManySubscribers(maximumSubscribers) }
        continuation.onTermination = { [weak self] _ in self?.remove(admitted.number) }
        if state.withLock(\.isFinished) { continuation.finish() }
        return JournalSubscription(past: admitted.past.entries, after: admitted.start, stream: stream)
    }

    /// Ends all followers' streams, and those of later ones once they have seen the past.
    public func finish() {
        let continuations = state.withLock { state in
            state.isFinished = true
            defer { state.subscribers = [:] }
            return Array(state.subscribers.values)
        }
        // Outside the lock: `finish` calls `onTermination`, which takes it.
        for continuation in continuations { continuation.finish() }
    }

    /// How many follow at the moment.
    public var subscriberCount: Int { state.withLock { $0.subscribers.count } }

    private func remove(_ number: UInt64) {
        // Released outside the lock, as its end may run code of the stream's.
        _ = state.withLock { $0.subscribers.removeValue(forKey: number) }
    }
}
