import DTMCore
import DTMPolicy
import Testing

@Suite("Who gets a connector")
struct ConnectorGrantTests {
    private let alice = LocalCaller(uid: 1000, gid: 1000, pid: 42, userName: "alice", groupNames: ["alice"])
    private let rule = "uid:1000+exe:/usr/bin/redis-cli"

    @Test("A rule about the program needs a hosted connector, and the refusal says so")
    func standalone() throws {
        let policy = try AdmissionPolicy(rules: [rule])
        #expect(policy.needsProgram)
        #expect(!policy.needsHash)
        let decision = policy.decide(caller: alice, ownerUID: 1000)
        #expect(!decision.allowed)
        #expect(decision.needsHosting)
        #expect(decision.reason.contains(rule))
        #expect(decision.reason.contains("dtm connect NAME --hosted is needed, and --stdio can't be hosted"))
    }

    @Test("A hosted connector is granted to whom the rule fits as far as the caller goes")
    func hosted() throws {
        let policy = try AdmissionPolicy(rules: ["uid:7", rule])
        let decision = policy.decide(caller: alice, ownerUID: nil, connector: .hosted)
        #expect(decision.allowed)
        #expect(decision.rule == rule)
        #expect(decision.reason.contains("the program is looked at with every connection"))
    }

    @Test(
        "Whom no rule fits gets neither, and is not told to try a hosted one",
        arguments: [ConnectorKind.hosted, .standalone])
    func stranger(connector: ConnectorKind) throws {
        let bob = LocalCaller(uid: 1001, gid: 1001)
        let decision = try AdmissionPolicy(rules: [rule]).decide(caller: bob, ownerUID: 1001, connector: connector)
        #expect(!decision.allowed)
        #expect(!decision.needsHosting)
    }

    @Test("A rule about the caller alone grants a plain connector beside rules about programs")
    func mixed() throws {
        let decision = try AdmissionPolicy(rules: ["exe:/a", "gid:1000"]).decide(caller: alice, ownerUID: nil)
        #expect(decision.allowed)
        #expect(decision.rule == "gid:1000")
    }

    @Test(
        "All terms of a rule have to hold", arguments: [("uid:1000+group:alice", true), ("uid:1000+group:bob", false)])
    func conjunction(rule: String, isAllowed: Bool) throws {
        #expect(try AdmissionPolicy(rules: [rule]).decide(caller: alice, ownerUID: nil).allowed == isAllowed)
    }

    @Test("The default holds for hosted connectors as well")
    func standard() {
        #expect(AdmissionPolicy.standard.decide(caller: alice, ownerUID: 1000, connector: .hosted).rule == "owner")
        #expect(!AdmissionPolicy.standard.decide(caller: alice, ownerUID: 1, connector: .hosted).allowed)
        #expect(!AdmissionPolicy.standard.needsProgram)
    }

    @Test("A client on another host comes in by its identity alone")
    func identity() throws {
        let client = try #require(SPIFFEID("spiffe://a/client/b"))
        let policy = try AdmissionPolicy(rules: ["any-local", "spiffe://a/client/b"])
        #expect(policy.decide(identity: client).rule == "spiffe://a/client/b")
        #expect(!policy.decide(identity: try #require(SPIFFEID("spiffe://a/client/c"))).allowed)
        #expect(!AdmissionPolicy.standard.decide(identity: client).allowed)
        #expect(try !AdmissionPolicy(rules: ["spiffe://a/client/b"]).decide(caller: alice, ownerUID: 1000).allowed)
    }

    @Test("Names that Unicode takes for the same are two users")
    func canonicalEquivalence() throws {
        let caller = LocalCaller(uid: 5, gid: 5, userName: "caf\u{e9}", groupNames: ["caf\u{e9}"])
        let policy = try AdmissionPolicy(rules: ["user:cafe\u{301}", "group:cafe\u{301}"])
        #expect(!policy.decide(caller: caller, ownerUID: nil).allowed)
    }

    @Test("Reasons stay short and visible, whatever a rule holds")
    func shortReasons() throws {
        let long = "uid:1000+exe:/" + String(repeating: "x", count: 4_000)
        let policy = try AdmissionPolicy(rules: [String](repeating: long, count: 100))
        let caller = LocalCaller(uid: 1, gid: 1)
        #expect(policy.decide(caller: caller, ownerUID: nil).reason.utf8.count < 2_000)
        #expect(policy.decide(caller: alice, ownerUID: nil, connector: .hosted).reason.utf8.count < 2_000)
    }
}
