/// What a follower of the journal sees: events in the order of their numbers, and gaps where it was too slow.
///
/// Ends when the journal does. Give it up by cancelling the task that iterates, or by letting go of it.
public struct JournalSubscription: AsyncSequence, Sendable {
    /// One step.
    public enum Element: Hashable, Sendable {
        case entry(JournalEntry)
        /// So many events were lost here.
        case gap(missed: UInt64)
    }

    private let past: [JournalEntry]
    private let after: UInt64
    private let stream: AsyncStream<JournalEntry>

    init(past: [JournalEntry], after: UInt64, stream: AsyncStream<JournalEntry>) {
        self.past = past
        self.after = after
        self.stream = stream
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(past: past[...], last: after, stream: stream.makeAsyncIterator())
    }

    /// Numbers have no holes in the journal, so a hole between two that arrive is what was lost.
    public struct Iterator: AsyncIteratorProtocol {
        private var past: ArraySlice<JournalEntry>
        private var last: UInt64
        private var stream: AsyncStream<JournalEntry>.Iterator
        private var held: JournalEntry?

        init(past: ArraySlice<JournalEntry>, last: UInt64, stream: AsyncStream<JournalEntry>.Iterator) {
            self.past = past
            self.last = last
            self.stream = stream
        }

        public mutating func next() async -> Element? { await next(isolation: nil) }

        public mutating func next(isolation actor: isolated (any Actor)?) async -> Element? {
            guard let entry = await nextEntry(isolation: actor) else { return nil }
            if entry.id > last + 1 {
                defer { last = entry.id - 1 }
                held = entry
                return .gap(missed: entry.id - last - 1)
            }
            last = entry.id
            return .entry(entry)
        }

        private mutating func nextEntry(isolation actor: isolated (any Actor)?) async -> JournalEntry? {
            if let entry = held {
                held = nil
                return entry
            }
            if let entry = past.popFirst() { return entry }
            return await stream.next(isolation: actor)
        }
    }
}
