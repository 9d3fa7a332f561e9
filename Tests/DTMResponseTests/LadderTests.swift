import DTMCore
import DTMResponse
import Testing

@Suite("The response ladder")
struct LadderTests {
    @Test("A rule raises at once, and each further step takes evidence and a minute")
    func climbs() {
        var harness = LadderHarness()
        harness.find()
        #expect(harness.taken() == ["notify"])
        for _ in 0..<50 { harness.find() }
        #expect(harness.taken().isEmpty)
        harness.wait(59)
        #expect(harness.taken().isEmpty)
        harness.wait(1)
        #expect(harness.taken() == ["perform rotate"])
        harness.wait(200)
        #expect(harness.taken().isEmpty)
        harness.press(5)
        #expect(
            harness.taken() == [
                "perform raise-decoys", "perform throttle", "perform quarantine", "propose revoke", "perform rotate",
            ])
    }

    @Test("What a model finds raises nothing, however often")
    func models() {
        var harness = LadderHarness()
        for _ in 0..<20 { harness.find(risk: 100, source: .model) }
        #expect(harness.taken().isEmpty)
    }

    @Test("A detector raises when three of its last five samples alarm")
    func samples() {
        var harness = LadderHarness()
        for risk in [70, 10, 69, 90, 10, 10, 10] { harness.sample(risk) }
        #expect(harness.taken().isEmpty)
        for risk in [71, 72] { harness.find(risk: risk, source: .detector) }
        #expect(harness.taken().isEmpty)
        harness.sample(100)
        #expect(harness.taken() == ["notify"])
    }

    @Test("A rule whose finding is below the threshold raises nothing")
    func belowThreshold() {
        var harness = LadderHarness()
        for _ in 0..<10 { harness.find(risk: 69) }
        #expect(harness.taken().isEmpty)
    }

    @Test("Five calm minutes end an alarm, and not one moment of 50 earlier")
    func calms() {
        var harness = LadderHarness()
        harness.press(1)
        harness.wait(200)
        harness.sample(50)
        harness.wait(299)
        harness.find()
        #expect(harness.taken() == ["notify", "perform rotate"])
        harness.wait(100)
        harness.sample(49)
        harness.wait(200)
        harness.find()
        #expect(harness.taken() == ["notify"])
    }

    @Test(
        "Each mode acts as far as it may, and proposes the rest",
        arguments: [
            (
                .observe,
                [
                    "propose rotate", "propose raise-decoys", "propose throttle", "propose quarantine",
                    "propose revoke", "propose stop-application",
                ]
            ),
            (
                .guardian,
                [
                    "notify", "perform rotate", "perform raise-decoys", "propose throttle", "propose quarantine",
                    "propose revoke", "propose stop-application",
                ]
            ),
            (
                .protect,
                [
                    "notify", "perform rotate", "perform raise-decoys", "perform throttle", "perform quarantine",
                    "propose revoke", "propose stop-application",
                ]
            ),
        ] as [(ResponseMode, [String])])
    func modes(mode: ResponseMode, expected: [String]) {
        var harness = LadderHarness(mode)
        harness.press(7, .scanner)
        #expect(harness.taken() == expected)
    }

    @Test("Without a tunnel there is nothing to rotate, and a tunnel itself is never cut off")
    func subjects() {
        var harness = LadderHarness()
        for _ in 0..<3 {
            harness.find(.mallory, tunnel: nil)
            harness.wait(60)
        }
        #expect(harness.taken() == ["notify", "perform throttle", "perform quarantine"])
        harness.press(4, .tunnel("redis"))
        #expect(harness.taken() == ["notify", "perform rotate", "perform raise-decoys", "perform rotate"])
        harness.press(2, .host)
        #expect(harness.taken() == ["notify"])
    }

    @Test("What lasts ends after ten minutes, and lasts twice as long each time, up to a day")
    func lifetimes() {
        var harness = LadderHarness()
        var lifetimes: [Int64] = []
        for _ in 0..<10 {
            while harness.active(.quarantine) == nil { harness.press(1) }
            let start = harness.active(.quarantine)?.since ?? harness.now
            let end = harness.active(.quarantine)?.expiry ?? harness.now
            lifetimes.append((end - start).wholeMilliseconds / 1_000)
            harness.wait((end - harness.now).wholeMilliseconds / 1_000)
            #expect(harness.active(.quarantine) == nil)
        }
        #expect(lifetimes == [600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 76_800, 86_400, 86_400])
    }

    @Test("A tunnel is rotated three times in ten minutes at most, whoever is the cause")
    func rotationBudget() {
        var harness = LadderHarness()
        for number in 0..<4 { harness.press(2, .identity("spiffe://dtm/\(number)")) }
        let taken = harness.taken()
        #expect(taken.count { $0 == "perform rotate" } == 3)
        #expect(taken.count { $0 == "withhold rotate" } >= 1)
        harness.find(tunnel: "other")
        harness.wait(60)
        harness.find(tunnel: "other")
        #expect(harness.taken().contains("perform rotate"))
    }

    @Test("No more than a third of the applications is in quarantine, whoever asks")
    func third() throws {
        var harness = LadderHarness(applications: 6)
        for _ in 0..<5 {
            for number in 0..<3 { harness.find(.identity("spiffe://dtm/\(number)")) }
            harness.wait(60)
        }
        let taken = harness.taken()
        #expect(taken.count { $0 == "perform quarantine" } == 2)
        #expect(taken.count { $0 == "propose quarantine" } == 1)
        let proposal = try #require(harness.proposal(.quarantine))
        #expect(throws: ResponseError(.budget, "")) { try harness.approve(proposal.id) }
        let first = try #require(harness.active(.quarantine))
        harness.carryOut(try harness.ladder.undo(first.id, at: harness.now))
        try harness.approve(proposal.id)
        #expect(harness.taken().suffix(2) == ["undo quarantine undone", "perform quarantine"])
    }

    @Test("Who is protected is never cut off, not even by a person")
    func protected() throws {
        var harness = LadderHarness {
            $0.protected = ProtectedSubjects(
                uids: [0], executables: ["/usr/bin/dtm"], identities: ["spiffe://dtm/operator"], applications: ["dtm"])
        }
        let subjects: [ResponseSubject] = [
            .program(uid: 0, executable: nil), .program(uid: 7, executable: "/usr/bin/dtm"),
            .identity("spiffe://dtm/operator"), .application("dtm"),
        ]
        for subject in subjects { harness.press(12, subject) }
        #expect(
            !harness.outputs.contains { if case .perform(let response) = $0 { response.rung.cutsOff } else { false } })
        #expect(harness.ladder.journal.proposals.isEmpty)
        #expect(harness.taken().contains("withhold quarantine"))
        harness.press(6)
        let proposal = try #require(harness.proposal(.revoke))
        var policy = harness.ladder.policy
        policy.protected.identities.insert("spiffe://dtm/mallory")
        harness.outputs = []
        harness.carryOut(harness.ladder.take(policy, at: harness.now))
        #expect(harness.taken() == ["undo throttle undone", "undo quarantine undone"])
        #expect(throws: ResponseError(.protected, "")) { try harness.approve(proposal.id) }
    }

    @Test("A person approves, dismisses and takes back, each once")
    func people() throws {
        var harness = LadderHarness(.guardian)
        harness.press(6)
        let throttle = try #require(harness.proposal(.throttle))
        let quarantine = try #require(harness.proposal(.quarantine))
        _ = harness.taken()
        try harness.approve(throttle.id)
        #expect(harness.active(.throttle)?.id == throttle.id)
        #expect(throws: ResponseError(.state, "")) { try harness.approve(throttle.id) }
        harness.carryOut(try harness.ladder.dismiss(quarantine.id, at: harness.now))
        #expect(throws: ResponseError(.state, "")) { try harness.approve(quarantine.id) }
        #expect(throws: ResponseError(.state, "")) { try harness.ladder.undo(quarantine.id, at: harness.now) }
        harness.carryOut(try harness.ladder.undo(throttle.id, at: harness.now))
        #expect(harness.taken() == ["perform throttle", "withdraw quarantine dismissed", "undo throttle undone"])
        #expect(throws: ResponseError(.state, "")) { try harness.ladder.undo(throttle.id, at: harness.now) }
        let unknown = Response.ID(number: 99)
        #expect(throws: ResponseError(.unknown, "")) { try harness.approve(unknown) }
        #expect(throws: ResponseError(.unknown, "")) { try harness.ladder.undo(unknown, at: harness.now) }
        #expect(throws: ResponseError(.unknown, "")) { try harness.ladder.dismiss(unknown, at: harness.now) }
    }

    @Test("A revocation can't be taken back, and that is said")
    func revocation() throws {
        var harness = LadderHarness()
        harness.press(6)
        let proposal = try #require(harness.proposal(.revoke))
        try harness.approve(proposal.id)
        #expect(harness.ladder.past.last?.end == .done)
        #expect(throws: ResponseError(.notUndoable, "")) { try harness.ladder.undo(proposal.id, at: harness.now) }
    }

    @Test("A stop takes everything back and lets nothing act before it is resumed")
    func stop() throws {
        var harness = LadderHarness()
        harness.press(6)
        let proposal = try #require(harness.proposal(.revoke))
        _ = harness.taken()
        harness.carryOut(harness.ladder.stop(at: harness.now))
        #expect(harness.taken() == ["undo raise-decoys stopped", "undo throttle stopped", "undo quarantine stopped"])
        harness.press(10)
        #expect(harness.taken().isEmpty)
        #expect(throws: ResponseError(.stopped, "")) { try harness.approve(proposal.id) }
        harness.ladder.resume(at: harness.now)
        #expect(harness.taken().isEmpty)
        harness.find()
        #expect(harness.taken() == ["notify"])
    }

    @Test("What failed is taken back, and what could not be taken back is tried again")
    func failures() {
        var harness = LadderHarness()
        harness.press(4)
        _ = harness.taken()
        harness.carryOut(
            harness.ladder.take(
                Finding(
                    id: "f", code: "c", time: harness.now, subject: .mallory, tunnel: "redis", risk: 99, title: "t"),
                at: harness.now), .failed("no"))
        #expect(harness.taken() == ["perform quarantine", "undo quarantine failed"])
        let orders = harness.ladder.stop(at: harness.now)
        for case .undo(let response, _) in orders {
            #expect(harness.ladder.outcome(of: response.id, .failed("no"), at: harness.now).isEmpty)
        }
        #expect(harness.ladder.retry().count == orders.count)
        harness.carryOut(harness.ladder.retry())
        #expect(harness.ladder.journal.active.isEmpty)
    }

    @Test("What waits under a milder mode is done when the mode allows it and there is evidence")
    func laterMode() throws {
        var harness = LadderHarness(.guardian)
        harness.press(5)
        let throttle = try #require(harness.proposal(.throttle))
        harness.wait(400)
        var policy = harness.ladder.policy
        policy.mode = .protect
        harness.carryOut(harness.ladder.take(policy, at: harness.now))
        #expect(harness.active(.throttle) == nil)
        harness.press(4)
        #expect(harness.active(.throttle)?.id == throttle.id)
    }

    @Test("A proposal that nobody decides on lapses after a day")
    func lapse() {
        var harness = LadderHarness(.guardian)
        harness.press(4)
        _ = harness.taken()
        harness.wait(86_400)
        #expect(harness.taken().contains("withdraw throttle lapsed"))
        #expect(harness.ladder.journal.entries.isEmpty)
    }

    @Test("A clock that runs backwards stands still")
    func clock() {
        var harness = LadderHarness()
        harness.press(5)
        let expiry = harness.active(.quarantine)?.expiry
        _ = harness.taken()
        harness.wait(-100_000)
        harness.find()
        #expect(harness.active(.quarantine)?.expiry == expiry)
        #expect(harness.taken().filter { $0.hasPrefix("undo") }.isEmpty)
    }

    @Test("Subjects, proposals and responses are bounded; the mildest and oldest make room")
    func bounds() {
        var harness = LadderHarness(.protect, applications: 100_000) {
            $0.maximumSubjects = 20
            $0.maximumProposals = 5
            $0.maximumActive = 10
            $0.maximumPast = 7
        }
        for round in 0..<10 {
            for number in 0..<15 { harness.find(.identity("spiffe://dtm/\(round / 9)\(number)")) }
            harness.wait(60)
        }
        #expect(harness.ladder.journal.active.count <= 10)
        #expect(harness.ladder.journal.active.allSatisfy { $0.rung == .quarantine })
        #expect(harness.ladder.journal.proposals.count == 5)
        #expect(harness.ladder.past.count == 7)
        #expect(harness.outputs.contains { $0.short == "undo raise-decoys made-room" })
        #expect(harness.outputs.contains { $0.short == "withdraw revoke made-room" })
        for number in 0..<1_000 { harness.find(.identity("spiffe://dtm/flood\(number)")) }
        #expect(harness.ladder.subjectCount <= 20)
        harness.outputs = []
        harness.find(.identity(String(repeating: "x", count: 513)))
        #expect(harness.taken() == ["withhold record"])
    }

    @Test(
        "Ids are read as they are written, and nothing else is",
        arguments: ["", "r", "17", "r017", "r-1", "r1 ", "r99999999999999999999"])
    func ids(text: String) {
        #expect(Response.ID(text) == nil)
        #expect(Response.ID("r17") == Response.ID(number: 17))
        #expect(Response.ID("r\(UInt64.max)")?.description == "r\(UInt64.max)")
    }
}
