import DTMCore
import DTMPolicy
import Testing

@Suite("Who may connect")
struct AdmissionPolicyTests {
    private let alice = LocalCaller(
        uid: 1000, gid: 1000, pid: 42, supplementaryGroups: [27], userName: "alice", groupNames: ["alice", "sudo"])

    @Test("Without rules the application's owner may connect")
    func owner() {
        let decision = AdmissionPolicy.standard.decide(caller: alice, ownerUID: 1000)
        #expect(
            decision
                == AdmissionDecision(
                    allowed: true, rule: "owner", reason: "uid 1000 (alice), pid 42 owns the application"))
    }

    @Test("Without rules root may connect, whoever the owner is", arguments: [1000, nil] as [UInt32?])
    func root(owner: UInt32?) {
        let decision = AdmissionPolicy.standard.decide(caller: LocalCaller(uid: 0, gid: 0), ownerUID: owner)
        #expect(decision.allowed)
        #expect(decision.rule == "root")
    }

    @Test("Without rules nobody else may connect, and the reason names both", arguments: [33, nil] as [UInt32?])
    func stranger(owner: UInt32?) {
        let decision = AdmissionPolicy.standard.decide(caller: alice, ownerUID: owner)
        #expect(!decision.allowed)
        #expect(decision.rule == nil)
        #expect(decision.reason.contains("uid 1000"))
        #expect(decision.reason.contains(owner.map { "owner is uid \($0)" } ?? "not known"))
    }

    @Test(
        "A rule lets in whom it names",
        arguments: ["uid:1000", "user:alice", "gid:1000", "gid:27", "group:sudo", "group:alice", "any-local"])
    func matches(rule: String) throws {
        let decision = try AdmissionPolicy(rules: ["uid:7", rule]).decide(caller: alice, ownerUID: 33)
        #expect(decision.allowed)
        #expect(decision.rule == rule)
    }

    @Test("Rules take the place of the default: even root and the owner stay out when none names them")
    func rulesReplaceTheDefault() throws {
        let policy = try AdmissionPolicy(rules: ["user:bob", "gid:5"])
        for uid in [0, 1000] as [UInt32] {
            let decision = policy.decide(caller: LocalCaller(uid: uid, gid: uid), ownerUID: 1000)
            #expect(!decision.allowed)
            #expect(decision.reason.contains("user:bob, gid:5"))
        }
    }

    @Test("A caller without a name matches no rule with a name")
    func nameless() throws {
        let caller = LocalCaller(uid: 12_345, gid: 12_345)
        #expect(
            try !AdmissionPolicy(rules: ["user:alice", "group:sudo"]).decide(caller: caller, ownerUID: nil).allowed)
    }

    @Test("No rules and nil mean the same")
    func noRules() throws {
        #expect(try AdmissionPolicy(rules: nil) == .standard)
        #expect(try AdmissionPolicy(rules: []) == .standard)
    }

    @Test("A policy is bounded, and so are its reasons")
    func bounded() throws {
        let texts = (0..<256).map { "uid:\($0)" }
        let decision = try AdmissionPolicy(rules: texts).decide(caller: alice, ownerUID: nil)
        #expect(decision.reason.utf8.count < 300)
        let error = #expect(throws: RuleError.self) { try AdmissionPolicy(rules: texts + ["uid:256"]) }
        #expect(error?.code == .tooManyRules)
    }
}
