import DTMCore
import DTMPlan
import Testing

@testable import DTMManager

@Suite struct SignalTests {
    @Test func `a subscriber wakes once for any number of changes since it looked`() async {
        let signal = Signal()
        var iterator = signal.subscribe().makeAsyncIterator()
        signal.notify()
        signal.notify()
        #expect(await iterator.next() != nil)
        signal.finish()
        #expect(await iterator.next() == nil)
    }

    @Test func `who subscribes after the end waits for nothing`() async {
        let signal = Signal()
        signal.finish()
        var iterator = signal.subscribe().makeAsyncIterator()
        #expect(await iterator.next() == nil)
    }

    @Test func `a value that is there already needs no change`() async {
        #expect(await Signal().first(within: .seconds(60)) { 7 } == 7)
    }

    @Test func `waiting ends with the signal`() async {
        let signal = Signal()
        signal.finish()
        let value: Int? = await signal.first(within: .milliseconds(1)) { nil }
        #expect(value == nil)
    }
}

@Suite struct DataPlaneInboxTests {
    @Test func `messages come in batches and in order, and then the end with its reason`() async throws {
        let inbox = DataPlaneInbox()
        inbox.put(.planApplied(version: 1))
        inbox.put(.planApplied(version: 2))
        var batch = await inbox.next()
        #expect(batch.messages == [.planApplied(version: 1), .planApplied(version: 2)])
        #expect(!batch.isLast)
        inbox.put(.drained)
        inbox.end(nil)
        inbox.end(nil)
        batch = await inbox.next()
        #expect(batch.messages == [.drained])
        #expect(batch.isLast)
        #expect(batch.failure == nil)
    }
}
