import DTMCore
import DTMTestSupport
import Testing

@Suite("Rules of the automatic tunnels")
struct ListenerRuleTests {
    @Test(
        "A rule is written back as it was read",
        arguments: [
            "app:redis-server", "app:redis*", "app:tmux:%20server", "app:a%2Ab*", "exe:/usr/bin/redis-server", "uid:0",
            "user:alice", "port:6379", "port:6000-6999", "app:redis*+user:alice+port:6379",
        ])
    func roundTrip(text: String) throws {
        #expect(try ListenerRule(text).description == text)
    }

    @Test("A range of one port is a port")
    func onePort() throws {
        #expect(try ListenerRule("port:80-80").description == "port:80")
    }

    @Test(
        "A value that can't be is refused",
        arguments: [
            "app:", "app:*", "app:*redis", "app:r*s", "app:a%00", "app:a\nb",
            "app:" + String(repeating: "x", count: 256),
            "port:", "port:0", "port:65536", "port:1-", "port:-1", "port:2-1", "port:1-2-3", "port:0-5", "port: 1",
            "uid:x",
            "exe:redis", "user:a b",
        ])
    func badValue(text: String) {
        #expect(#expect(throws: RuleError.self) { try ListenerRule(text) }?.code == .badValue)
    }

    @Test(
        "A mistyped prefix is answered with the nearest form",
        arguments: [("ap:redis", "app:NAME"), ("ports:1", "port:N"), ("usr:a", "user:NAME")])
    func nearest(text: String, form: String) {
        let error = #expect(throws: RuleError.self) { try ListenerRule(text) }
        #expect(error?.nearest == form)
        #expect(error?.message.contains("app:NAME, app:START*") == true)
    }

    @Test("Rules about callers are none here", arguments: ["any-local", "gid:1", "sha256:00", "redis", ""])
    func foreign(text: String) {
        #expect(#expect(throws: RuleError.self) { try ListenerRule(text) }?.code == .unknownRule)
    }

    @Test("Terms that can't hold together are refused", arguments: ["port:1+port:2", "app:a+app:b*"])
    func contradiction(text: String) {
        #expect(#expect(throws: RuleError.self) { try ListenerRule(text) }?.code == .contradiction)
    }

    @Test("Random text is refused, or is a rule that reads back the same", arguments: 1...4 as ClosedRange<UInt64>)
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let seeds = ["app:redis*", "app:a%2Ab", "exe:/usr/bin/x", "uid:1+port:1-2", "user:alice", "port:6379"]
        for _ in SeededGenerator.rounds(1_000) {
            let start = seeds.randomElement(using: &random) ?? ""
            let text = String(decoding: random.mutated(Array(start.utf8)), as: UTF8.self)
            guard let rule = try? ListenerRule(text) else { continue }
            #expect(try ListenerRule(rule.description) == rule)
        }
    }
}
