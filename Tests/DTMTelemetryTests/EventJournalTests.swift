import DTMCore
import DTMTelemetry
import Testing

@Suite("The journal of recent events")
struct EventJournalTests {
    private func journal(capacity: Int = 4, events: Int = 0) -> EventJournal {
        let journal = EventJournal(capacity: capacity, maximumSubscribers: 2)
        for number in 0..<events { journal.append(.sample(Int64(number))) }
        return journal
    }

    @Test("Events are numbered from 1, and the oldest are forgotten")
    func numbering() {
        let journal = journal(events: 6)
        #expect(journal.newestID == 6)
        let slice = journal.events(after: 0)
        #expect(slice.entries.map(\.id) == [3, 4, 5, 6])
        #expect(slice.entries.map { $0.event.detail["number"] } == [2, 3, 4, 5])
        #expect(slice.missed == 2)
    }

    @Test(
        "One gets what came after the number one knows",
        arguments: [(0, 10, [1, 2, 3]), (2, 10, [3]), (3, 10, []), (0, 2, [1, 2]), (0, 0, []), (99, 10, [1, 2, 3])]
            as [(UInt64, Int, [UInt64])])
    func after(id: UInt64, limit: Int, expected: [UInt64]) {
        let slice = journal(events: 3).events(after: id, limit: limit)
        #expect(slice.entries.map(\.id) == expected)
        #expect(slice.missed == 0)
    }

    @Test("An empty journal has nothing")
    func empty() {
        #expect(journal().events(after: 0) == journal().events(after: .max))
        #expect(journal().newestID == 0)
    }

    @Test("A follower sees the past and then what comes, without a hole")
    func follows() async throws {
        let journal = journal(events: 3)
        let subscription = try journal.subscribe(after: 1)
        journal.append(.sample(3))
        journal.finish()
        var ids: [UInt64] = []
        for await element in subscription {
            guard case .entry(let entry) = element else {
                Issue.record("no gap was expected")
                continue
            }
            ids.append(entry.id)
        }
        #expect(ids == [2, 3, 4])
    }

    @Test("A follower without a number starts with the next event")
    func startsNow() async throws {
        let journal = journal(events: 3)
        let subscription = try journal.subscribe()
        journal.append(.sample(3))
        var iterator = subscription.makeAsyncIterator()
        #expect(await iterator.next() == .entry(JournalEntry(id: 4, event: .sample(3))))
    }

    @Test("A slow follower loses its oldest events and is told how many")
    func slow() async throws {
        let journal = journal()
        let subscription = try journal.subscribe(bufferSize: 2)
        for number in 0..<10 { journal.append(.sample(Int64(number))) }
        journal.finish()
        var seen: [JournalSubscription.Element] = []
        for await element in subscription { seen.append(element) }
        #expect(
            seen == [
                .gap(missed: 8), .entry(JournalEntry(id: 9, event: .sample(8))),
                .entry(JournalEntry(id: 10, event: .sample(9))),
            ])
    }

    @Test("A follower that comes back too late is told what is forgotten")
    func comesBackLate() async throws {
        let subscription = try journal(capacity: 2, events: 10).subscribe(after: 5)
        var iterator = subscription.makeAsyncIterator()
        #expect(await iterator.next() == .gap(missed: 3))
        #expect(await iterator.next() == .entry(JournalEntry(id: 9, event: .sample(8))))
    }

    @Test("A slow follower does not hold up another")
    func independent() async throws {
        let journal = journal()
        let slow = try journal.subscribe(bufferSize: 1)
        let quick = try journal.subscribe(bufferSize: 100)
        for number in 0..<50 { journal.append(.sample(Int64(number))) }
        journal.finish()
        var count = 0
        for await _ in quick { count += 1 }
        #expect(count == 50)
        withExtendedLifetime(slow) {}
    }

    @Test("There are only so many followers, and one that is let go makes room")
    func boundedFollowers() throws {
        let journal = journal()
        do {
            let first = try journal.subscribe()
            let second = try journal.subscribe()
            let error = #expect(throws: TelemetryError.self) { try journal.subscribe() }
            #expect(error?.code == .tooManySubscribers)
            withExtendedLifetime((first, second)) {}
        }
        #expect(journal.subscriberCount == 0)
        _ = try journal.subscribe()
    }

    @Test("A follower whose task is cancelled ends and is forgotten")
    func cancelled() async throws {
        let journal = journal()
        let subscription = try journal.subscribe()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in subscription {} }
            group.cancelAll()
        }
        #expect(journal.subscriberCount == 0)
    }

    @Test("After the end there is the past and no more")
    func finished() async throws {
        let journal = journal(events: 1)
        journal.finish()
        var count = 0
        for await _ in try journal.subscribe(after: 0) { count += 1 }
        #expect(count == 1)
        #expect(journal.subscriberCount == 0)
    }

    @Test("Events from many tasks reach a follower in the order of their numbers")
    func concurrent() async throws {
        let journal = EventJournal(capacity: 10_000)
        let subscription = try journal.subscribe(bufferSize: 10_000)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for number in 0..<500 { journal.append(.sample(Int64(number))) } }
            }
        }
        journal.finish()
        var ids: [UInt64] = []
        for await case .entry(let entry) in subscription { ids.append(entry.id) }
        #expect(ids == Array(1...4_000))
    }
}
