import DTMCore
import DTMResponse
import DTMTestSupport
import Testing

/// Holds what comes out of a ladder against what may.
private struct Referee {
    let mode: ResponseMode
    let protected: ProtectedSubjects
    let applications: Int
    var approved: Set<Response.ID> = []
    var inForce: [Response.ID: Response] = [:]
    var rotations: [String: [Timestamp]] = [:]
    var steps: [ResponseSubject: Timestamp] = [:]
    var undone: Set<Response.ID> = []
    var performed = 0

    /// The manager was ended and started again: what was in force is put back, once, and budgets begin anew.
    mutating func restarted(_ outputs: [ResponseOutput], at now: Timestamp) {
        (rotations, steps) = ([:], [:])
        var again: Set<Response.ID> = []
        for output in outputs {
            switch output {
            case .perform(let response):
                #expect(inForce[response.id] == response && again.insert(response.id).inserted)
                #expect(!response.rung.cutsOff || !protected.contains(response.subject))
            case .undo(let response, _):
                #expect(inForce.removeValue(forKey: response.id) != nil)
                undone.insert(response.id)
            default: Issue.record("\(output)")
            }
        }
        #expect(again == Set(inForce.keys))
    }

    mutating func judge(_ outputs: [ResponseOutput], at now: Timestamp) {
        for output in outputs {
            switch output {
            case .perform(let response): judge(response, at: now)
            case .undo(let response, _):
                #expect(inForce.removeValue(forKey: response.id) != nil, "\(response.id) is taken back once")
                undone.insert(response.id)
            case .propose(let response): step(response.subject, at: now)
            case .notify(let notice):
                #expect(mode != .observe)
                step(notice.subject, at: now)
            case .withdraw, .withhold: break
            }
        }
    }

    private mutating func step(_ subject: ResponseSubject, at now: Timestamp) {
        if let last = steps[subject] { #expect(now - last >= .seconds(60), "one step a minute: \(subject)") }
        steps[subject] = now
    }

    private mutating func judge(_ response: Response, at now: Timestamp) {
        performed += 1
        let isApproved = approved.contains(response.id)
        if !isApproved {
            step(response.subject, at: now)
            #expect(response.rung <= mode.highestAutomaticRung && !response.rung.needsApproval)
        }
        #expect(!response.rung.cutsOff || !protected.contains(response.subject))
        if response.rung == .rotate, let tunnel = response.tunnel {
            rotations[tunnel, default: []].append(now)
            let recent = rotations[tunnel, default: []].filter { now - $0 < .seconds(600) }
            #expect(recent.count <= 3)
        }
        guard response.rung.lasts else { return }
        #expect(inForce[response.id] == nil && !undone.contains(response.id))
        #expect(response.expiry.map { $0 > now && $0 - now <= .seconds(86_400) } ?? false)
        inForce[response.id] = response
        let cutOff = Set(inForce.values.filter { $0.rung == .quarantine }.map(\.subject))
        #expect(cutOff.count * 3 <= applications)
    }
}

@Suite("The response ladder under whatever comes")
struct LadderPropertyTests {
    private static let protected = ProtectedSubjects(uids: [0], identities: ["spiffe://dtm/0"], applications: ["a0"])

    private static func subject(_ generator: inout SeededGenerator) -> ResponseSubject {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0...4: .identity("spiffe://dtm/\(Int.random(in: 0..<8, using: &generator))")
        case 5...6: .program(uid: UInt32.random(in: 0..<3, using: &generator), executable: "/bin/p")
        case 7: .application("a\(Int.random(in: 0..<3, using: &generator))")
        case 8: .tunnel("t\(Int.random(in: 0..<3, using: &generator))")
        default: .host
        }
    }

    @Test(
        "10,000 random inputs break no rule",
        arguments: SeededGenerator.seeds(2).flatMap { seed in ResponseMode.allCases.map { (seed, $0) } })
    func random(seed: UInt64, mode: ResponseMode) throws {
        var generator = SeededGenerator(seed: seed)
        var policy = ResponsePolicy(mode: mode, protected: Self.protected)
        policy.maximumActive = 12
        policy.maximumProposals = 9
        var ladder = ResponseLadder(policy: policy)
        ladder.count(applications: 7)
        var referee = Referee(mode: mode, protected: Self.protected, applications: 7)
        var now = Timestamp(seconds: 1_000)
        for number in 0..<10_000 {
            if number % 500 == 499 {
                ladder = ResponseLadder(policy: policy, journal: try ResponseJournal(decoding: ladder.journal.encoded))
                ladder.count(applications: 7)
                let orders = ladder.restart(at: now)
                referee.restarted(orders, at: now)
                _ = answer(orders, &ladder, now, done: true, &generator)
            }
            var orders = step(&ladder, &referee, &now, &generator)
            var round = 0
            while !orders.isEmpty, round < 10 {
                referee.judge(orders, at: now)
                orders = answer(orders, &ladder, now, &generator)
                round += 1
            }
            #expect(orders.isEmpty)
            #expect(ladder.journal.active.count <= 24 && ladder.journal.proposals.count <= 9)
        }
        #expect(referee.performed > 100)
        var orders = ladder.retry() + ladder.tick(at: now + .seconds(2 * 86_400))
        for case .undo(let response, _) in orders { _ = ladder.outcome(of: response.id, .done, at: now) }
        orders = orders.filter { if case .undo(_, .expired) = $0 { true } else { false } }
        referee.judge(orders, at: now)
        #expect(referee.inForce.isEmpty && ladder.journal.entries.isEmpty)
        #expect(try ResponseJournal(decoding: ladder.journal.encoded) == ladder.journal)
    }

    private func step(
        _ ladder: inout ResponseLadder, _ referee: inout Referee, _ now: inout Timestamp,
        _ generator: inout SeededGenerator
    ) -> [ResponseOutput] {
        let id = Response.ID(number: UInt64.random(in: 1...max(2, ladder.journal.next), using: &generator))
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<40:
            let subject = Self.subject(&generator)
            let tunnel = Bool.random(using: &generator) ? "t\(Int.random(in: 0..<3, using: &generator))" : nil
            let sources: [Finding.Source] = [.rule, .detector, .model]
            return ladder.take(
                Finding(
                    id: "f", code: "c", time: now, subject: subject, tunnel: tunnel,
                    risk: Int.random(in: 45...100, using: &generator), title: "t",
                    source: sources.randomElement(using: &generator) ?? .rule), at: now)
        case 40..<55:
            return ladder.sample(
                Self.subject(&generator), risk: Int.random(in: 45...100, using: &generator), tunnel: "t1", at: now)
        case 55..<88:
            now = now + .seconds(Int64.random(in: 0...15, using: &generator))
            return ladder.tick(at: now)
        case 88..<91:
            let proposed = ladder.journal.proposals.randomElement(using: &generator)?.id ?? id
            referee.approved.insert(proposed)
            return (try? ladder.approve(proposed, at: now)) ?? []
        case 91..<95: return (try? ladder.dismiss(id, at: now)) ?? []
        case 95, 96:
            let active = ladder.journal.active.randomElement(using: &generator)?.id ?? id
            return (try? ladder.undo(active, at: now)) ?? []
        case 97: return Int.random(in: 0..<5, using: &generator) == 0 ? ladder.stop(at: now) : []
        case 98:
            ladder.resume(at: now)
            return []
        default: return ladder.tick(at: now - .seconds(5_000))
        }
    }

    private func answer(
        _ orders: [ResponseOutput], _ ladder: inout ResponseLadder, _ now: Timestamp, done: Bool = false,
        _ generator: inout SeededGenerator
    ) -> [ResponseOutput] {
        var more: [ResponseOutput] = []
        for order in orders {
            switch order {
            case .perform(let response):
                let outcome =
                    !done && Int.random(in: 0..<10, using: &generator) == 0 ? ResponseOutcome.failed("no") : .done
                more += ladder.outcome(of: response.id, outcome, at: now)
            case .undo(let response, _): more += ladder.outcome(of: response.id, .done, at: now)
            default: break
            }
        }
        return more
    }

    @Test("A storm of 1,000 alternating alarms stays within the budgets, and leaves nothing behind")
    func storm() {
        var harness = LadderHarness(.protect, applications: 9)
        var rotated: [Timestamp] = []
        for number in 0..<1_000 {
            let before = harness.outputs.count
            harness.find(.identity("spiffe://dtm/\(number % 40)"), risk: number.isMultiple(of: 2) ? 100 : 0)
            harness.wait(7)
            for case .perform(let response) in harness.outputs[before...] where response.rung == .rotate {
                rotated.append(response.since)
            }
            let quarantined = Set(harness.ladder.journal.active.filter { $0.rung == .quarantine }.map(\.subject))
            #expect(quarantined.count <= 3)
        }
        for (index, time) in rotated.enumerated() where index >= 3 {
            #expect(time - rotated[index - 3] >= .seconds(600))
        }
        #expect(!rotated.isEmpty)
        harness.wait(2 * 86_400)
        let lasting = harness.outputs.reduce(into: [Response.ID: Int]()) { counts, output in
            switch output {
            case .perform(let response) where response.rung.lasts: counts[response.id, default: 0] += 1
            case .undo(let response, _): counts[response.id, default: 0] -= 1
            default: break
            }
        }
        #expect(!lasting.isEmpty && lasting.values.allSatisfy { $0 == 0 })
        #expect(harness.ladder.journal.entries.isEmpty)
    }
}
