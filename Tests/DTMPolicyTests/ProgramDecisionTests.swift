import DTMCore
import DTMPolicy
import DTMTestSupport
import Testing

@Suite("Which program may connect")
struct ProgramDecisionTests {
    private let rule = "uid:1000+exe:/usr/bin/redis-cli"

    private func facts(_ executable: String?, _ change: (inout ProgramFacts) -> Void = { _ in }) -> ProgramFacts {
        var facts = ProgramFacts(
            pid: 77, uid: 1000, userName: "alice", gid: 1000, supplementaryGroups: [27], groupNames: ["alice", "sudo"],
            executable: executable)
        change(&facts)
        return facts
    }

    private func program(_ holders: ProgramFacts..., isComplete: Bool = true) -> ConnectingProgram {
        ConnectingProgram(uid: 1000, userName: "alice", holders: holders, isComplete: isComplete)
    }

    private func decide(_ rules: String..., program: ConnectingProgram, owner: UInt32? = nil) throws
        -> AdmissionDecision
    {
        try AdmissionPolicy(rules: rules).decide(program: program, ownerUID: owner)
    }

    @Test("The program that a rule names gets in")
    func allowed() throws {
        let decision = try decide("uid:7", rule, program: program(facts("/usr/bin/redis-cli")))
        #expect(decision.allowed)
        #expect(decision.rule == rule)
        #expect(decision.reason == "exe /usr/bin/redis-cli of uid 1000 (alice), pid 77 matches rule \(rule)")
    }

    @Test("Another program of the same user does not, and the reason names both")
    func refused() throws {
        let decision = try decide(rule, program: program(facts("/usr/bin/nc")))
        #expect(!decision.allowed)
        #expect(decision.rule == nil)
        #expect(decision.reason == "exe /usr/bin/nc of uid 1000 (alice), pid 77 matches no rule (\(rule))")
    }

    @Test("The same program of another user does not")
    func otherUser() throws {
        var program = program(facts("/usr/bin/redis-cli"))
        program.uid = 1001
        #expect(try !decide(rule, program: program).allowed)
    }

    @Test("A process of another user that holds the socket has to be allowed itself")
    func otherHolder() throws {
        let holder = facts("/usr/bin/redis-cli") { $0.uid = 33 }
        let decision = try decide(rule, program: program(holder))
        #expect(!decision.allowed)
        #expect(decision.reason.contains("run by uid 33"))
        #expect(try !decide("uid:1000", "uid:33", program: program(holder)).allowed)
        #expect(try !decide("user:alice", program: program(facts(nil) { ($0.uid, $0.userName) = (33, "www") })).allowed)
    }

    @Test(
        "Each kind of rule is met by its fact, missed by another, and not met when it is unknown",
        arguments: [
            "exe:/usr/bin/redis-cli", "cgroup:/system.slice", "cgroup:/system.slice/web.service", "unit:web.service",
            "sha256:" + String(repeating: "ab", count: 32), "gid:27", "gid:1000", "group:sudo", "user:alice",
            "uid:1000",
            "any-local",
        ])
    func kinds(rule: String) throws {
        let right = facts("/usr/bin/redis-cli") { facts in
            facts.digest = SHA256Value(String(repeating: "ab", count: 32))
            facts.cgroup = "/system.slice/web.service"
            facts.unit = "web.service"
        }
        let wrong = facts("/usr/bin/redis-cli2") { facts in
            facts.digest = SHA256Value(String(repeating: "ac", count: 32))
            facts.cgroup = "/system.slicer/web.service"
            facts.unit = "web2.service"
            (facts.gid, facts.supplementaryGroups, facts.groupNames) = (5, [6], ["x"])
        }
        #expect(try decide(rule, program: program(right)).allowed)
        let isAboutSocket = ["user:alice", "uid:1000", "any-local"].contains(rule)
        #expect(try decide(rule, program: program(wrong)).allowed == isAboutSocket)
        #expect(try decide(rule, program: program(ProgramFacts())).allowed == isAboutSocket)
        #expect(try decide(rule, program: program()).allowed == isAboutSocket)
        #expect(try decide(rule, program: program(right, isComplete: false)).allowed == isAboutSocket)
    }

    @Test("What was not known is named, and only where it would have mattered")
    func unknown() throws {
        let decision = try decide(rule, "uid:5+unit:a.service", program: program(ProgramFacts(pid: 9)))
        #expect(!decision.allowed)
        #expect(decision.reason.contains("exe unknown, unit unknown of uid 1000 (alice), pid 9 matches no rule"))
        #expect(decision.reason.hasSuffix("not known, and so not met: its executable"))
    }

    @Test("A user without a name meets no rule with a name")
    func nameless() throws {
        var program = program(facts("/a"))
        program.userName = nil
        let decision = try decide("user:alice", program: program)
        #expect(!decision.allowed)
        #expect(decision.reason.hasSuffix("its user's name"))
    }

    @Test("Groups that are known in part do not let anybody in, and are not held against anybody")
    func partialGroups() throws {
        let holder = facts(nil) { $0.supplementaryGroups = nil }
        #expect(try decide("gid:1000", program: program(holder)).allowed)
        #expect(try decide("gid:27", program: program(holder)).reason.hasSuffix("its groups"))
    }

    @Test(
        "A path that the kernel would not write is not known",
        arguments: ["redis-cli", "/usr/bin/../bin/redis-cli", ""])
    func strangePath(path: String) throws {
        #expect(try !decide(rule, program: program(facts(path))).allowed)
    }

    @Test("Every process that holds the connection has to match")
    func holders() throws {
        let cli = facts("/usr/bin/redis-cli")
        let decision = try decide(rule, program: program(cli, facts("/usr/bin/nc")))
        #expect(!decision.allowed)
        #expect(
            decision.reason.hasPrefix("2 processes hold the connection, and one of them, exe /usr/bin/nc of uid 1000"))
        let both = try decide(rule, "exe:/usr/bin/nc", program: program(cli, facts("/usr/bin/nc")))
        #expect(both.allowed)
        #expect(both.rule == "\(rule), exe:/usr/bin/nc")
        #expect(both.reason.hasPrefix("every one of the 2 processes"))
        #expect(program(cli, cli).isAmbiguous)
        #expect(program(cli, isComplete: false).isAmbiguous)
        #expect(program().isAmbiguous)
        #expect(!program(cli).isAmbiguous)
    }

    @Test("More holders than are judged count as unknown ones")
    func manyHolders() throws {
        var crowd = program()
        crowd.holders = [ProgramFacts](repeating: facts("/usr/bin/redis-cli"), count: ConnectingProgram.maximumHolders)
        #expect(try decide(rule, program: crowd).allowed)
        crowd.holders.append(facts("/usr/bin/nc"))
        #expect(try !decide(rule, program: crowd).allowed)
    }

    @Test("Without rules the owner and root get in, and a holder of another user does not")
    func standard() {
        let policy = AdmissionPolicy.standard
        #expect(policy.decide(program: program(), ownerUID: 1000).rule == "owner")
        #expect(policy.decide(program: ConnectingProgram(uid: 0), ownerUID: nil).rule == "root")
        let stranger = policy.decide(program: program(), ownerUID: 33)
        #expect(!stranger.allowed)
        #expect(stranger.reason.contains("neither the application's owner nor root (its owner is uid 33"))
        #expect(!policy.decide(program: program(facts(nil) { $0.uid = 33 }), ownerUID: 1000).allowed)
        #expect(policy.decide(program: program(facts(nil) { $0.uid = 0 }), ownerUID: 1000).allowed)
    }

    @Test("A remote identity is nobody on this host")
    func spiffe() throws {
        #expect(try !decide("spiffe://a/b", program: program(facts("/a"))).allowed)
    }

    @Test("A connection is never let in by what is not known", arguments: 1...8 as ClosedRange<UInt64>)
    func failsClosed(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let terms = ["uid:1000", "user:alice", "gid:27", "group:sudo", "exe:/a", "cgroup:/c", "unit:u.service"]
        let known = facts("/a") { facts in
            facts.cgroup = "/c/d"
            facts.unit = "u.service"
        }
        for _ in SeededGenerator.rounds(300) {
            let chosen = terms.filter { _ in Bool.random(using: &random) }
            guard !chosen.isEmpty else { continue }
            let rule = chosen.joined(separator: "+")
            #expect(try decide(rule, program: program(known)).allowed)
            var partial = known
            if Bool.random(using: &random) { partial.executable = nil }
            if Bool.random(using: &random) { partial.cgroup = nil }
            if Bool.random(using: &random) { partial.unit = nil }
            let isMissing =
                partial.executable == nil && chosen.contains("exe:/a")
                || partial.cgroup == nil && chosen.contains("cgroup:/c")
                || partial.unit == nil && chosen.contains("unit:u.service")
            #expect(try decide(rule, program: program(partial)).allowed == !isMissing)
            #expect(try decide(rule, program: program(known, partial)).allowed == !isMissing)
        }
    }

    @Test("A hostile path does not reach a person's terminal, nor fill the log")
    func hostilePath() throws {
        let path = "/\u{1b}[2J\n" + String(repeating: "x", count: 4_000)
        let reason = try decide(rule, program: program(facts(path))).reason
        #expect(reason.utf8.count < 400)
        #expect(reason.unicodeScalars.allSatisfy { $0.value >= 0x20 })
    }
}
