import DTMCore
import DTMResponse
import DTMTestSupport
import Testing

@Suite("The journal of responses")
struct JournalTests {
    private func filled() throws -> LadderHarness {
        var harness = LadderHarness()
        harness.press(7, .scanner)
        harness.press(5, .program(uid: 5, executable: nil))
        harness.press(3, .application("redis"))
        harness.press(3, .tunnel("ünïcode"))
        return harness
    }

    @Test("A journal comes back as it was")
    func roundTrip() throws {
        let journal = try filled().ladder.journal
        #expect(journal.entries.count > 5 && !journal.repetitions.isEmpty)
        #expect(try ResponseJournal(decoding: journal.encoded) == journal)
        #expect(try ResponseJournal(decoding: ResponseJournal().encoded) == ResponseJournal())
    }

    @Test("A journal that ends early is refused at every length")
    func truncated() throws {
        let bytes = try filled().ladder.journal.encoded
        for length in bytes.indices {
            #expect(throws: ResponseError(.journalTruncated, "")) {
                try ResponseJournal(decoding: Array(bytes[..<length]))
            }
        }
        #expect(throws: ResponseError(.journalMalformed, "")) { try ResponseJournal(decoding: bytes + [0]) }
    }

    @Test("Another version and an immense journal are refused by name")
    func foreign() throws {
        var bytes = ResponseJournal().encoded
        bytes[0] = 9
        #expect(throws: ResponseError(.journalVersion, "")) { try ResponseJournal(decoding: bytes) }
        #expect(throws: ResponseError(.journalTooLarge, "")) {
            try ResponseJournal(decoding: Array(repeating: 1, count: ResponseJournal.maximumBytes + 1))
        }
    }

    @Test(
        "Hostile bytes are refused or are a journal that is written the same way", arguments: SeededGenerator.seeds(20))
    func fuzz(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let bytes = try filled().ladder.journal.encoded
        for _ in 0..<500 {
            let hostile = generator.mutated(bytes)
            guard let journal = try? ResponseJournal(decoding: hostile) else { continue }
            #expect(try ResponseJournal(decoding: journal.encoded) == journal)
            var ladder = ResponseLadder(policy: ResponsePolicy(mode: .protect), journal: journal)
            let orders = ladder.restart(at: Timestamp(seconds: 1_000_000))
            #expect(
                !orders.contains {
                    if case .perform(let response) = $0 { response.rung == .stopApplication } else { false }
                })
        }
    }

    /// What the world is like: the ids that are in force.
    private func carry(_ outputs: [ResponseOutput], _ world: inout Set<Response.ID>) {
        for output in outputs {
            switch output {
            case .perform(let response) where response.rung.lasts: world.insert(response.id)
            case .undo(let response, _): world.remove(response.id)
            default: break
            }
        }
    }

    @Test(
        "Whenever the manager is killed, the next start puts back what is due and takes back what is over",
        arguments: [0, 1, 30, 599, 601, 5_000] as [Int64])
    func crash(seconds: Int64) throws {
        var harness = LadderHarness()
        harness.press(4)
        // Before the order is carried out, after it, after its outcome; the same while it is taken back.
        for step in 0..<6 {
            var ladder = harness.ladder
            var world = Set(ladder.journal.active.map(\.id))
            let orders = ladder.take(
                Finding(
                    id: "f", code: "c", time: harness.now, subject: .mallory, tunnel: "redis", risk: 99, title: "t"),
                at: harness.now)
            guard case .perform(let quarantine) = try #require(orders.last) else { return }
            if step >= 1 { carry(orders, &world) }
            if step >= 2 { _ = ladder.outcome(of: quarantine.id, .done, at: harness.now) }
            if step >= 3 {
                let undo = try ladder.undo(quarantine.id, at: harness.now)
                if step >= 4 { carry(undo, &world) }
                if step >= 5 { _ = ladder.outcome(of: quarantine.id, .done, at: harness.now) }
            }
            var next = ResponseLadder(
                policy: ladder.policy, journal: try ResponseJournal(decoding: ladder.journal.encoded))
            let later = harness.now + .seconds(seconds)
            carry(next.restart(at: later), &world)
            let due = step < 3 && seconds < 600
            #expect(world.contains(quarantine.id) == due, "step \(step)")
            let expected = next.journal.active.filter { $0.phase != .undoing && $0.rung.lasts }.map(\.id)
            #expect(world == Set(expected), "step \(step)")
        }
    }

    @Test("A stop survives a restart, and a clock that was set back makes nothing last longer")
    func stopped() throws {
        var harness = LadderHarness()
        harness.press(5)
        let journal = harness.ladder.journal
        var next = ResponseLadder(policy: harness.ladder.policy, journal: journal)
        _ = next.restart(at: harness.now - .seconds(1_000_000))
        #expect(next.journal.active.allSatisfy { ($0.expiry ?? harness.now) <= harness.now - .seconds(999_000) })
        _ = harness.ladder.stop(at: harness.now)
        var stopped = ResponseLadder(
            policy: harness.ladder.policy, journal: try ResponseJournal(decoding: harness.ladder.journal.encoded))
        #expect(stopped.isStopped)
        let orders = stopped.restart(at: harness.now)
        #expect(orders.count == 3)
        #expect(orders.allSatisfy { if case .undo = $0 { true } else { false } })
    }

    @Test("An application that was about to be stopped waits for a person again")
    func interruptedStop() throws {
        var harness = LadderHarness()
        harness.press(8, .scanner)
        let revoke = try #require(harness.proposal(.revoke))
        let stop = try #require(harness.proposal(.stopApplication))
        _ = try harness.ladder.approve(revoke.id, at: harness.now)
        _ = try harness.ladder.approve(stop.id, at: harness.now)
        var next = ResponseLadder(policy: harness.ladder.policy, journal: harness.ladder.journal)
        let orders = next.restart(at: harness.now).map(\.short)
        #expect(orders.contains("perform revoke") && orders.contains("propose stop-application"))
        #expect(!orders.contains("perform stop-application"))
    }
}
