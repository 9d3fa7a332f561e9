import DTMTestSupport
import DTMPolicy
import Testing

@Suite("Rules of a policy")
struct PolicyRuleTests {
    @Test(
        "A rule is written back as it was read",
        arguments: [
            "uid:0", "uid:4294967294", "user:alice", "user:www-data", "gid:100", "group:développeurs", "any-local",
        ])
    func roundTrip(text: String) throws {
        #expect(try PolicyRule(text).description == text)
    }

    @Test(
        "A rule that is not one is refused by name, with what is allowed",
        arguments: [
            "", ":", "exe:/usr/bin/curl", "sha256:00", "unit:nginx.service", "spiffe://x/y", "any-local:", "1000",
            "UID:1",
        ])
    func unknownRule(text: String) {
        let error = #expect(throws: PolicyError.self) { try PolicyRule(text) }
        #expect(error?.code == .unknownRule)
        #expect(error?.message.contains("'\(text)'") == true)
        #expect(error?.message.contains("uid:N, user:NAME, gid:N, group:NAME and any-local") == true)
    }

    @Test(
        "A mistyped prefix is answered with the nearest one",
        arguments: [
            ("usr:alice", "user:NAME"), ("gruop:dev", "group:NAME"), ("any_local", "any-local"),
            ("anylocal", "any-local"),
            ("uids:1", "uid:N"), ("GID:1", "gid:N"),
        ])
    func nearestPrefix(text: String, form: String) {
        let error = #expect(throws: PolicyError.self) { try PolicyRule(text) }
        #expect(error?.hint == "did you mean \(form)?")
    }

    @Test("A prefix that is like none gets no guess")
    func noGuess() {
        let error = #expect(throws: PolicyError.self) { try PolicyRule("certificate:abc") }
        #expect(error?.hint == nil)
    }

    @Test(
        "A value that can't be is refused with what is allowed",
        arguments: [
            "uid:", "uid:-1", "uid:+1", "uid:4294967295", "uid:99999999999", "uid:0x10", "uid: 1", "gid:x", "user:",
            "user:a b",
            "user:a:b", "user:a\nb", "group:a/b", "user:" + String(repeating: "x", count: 256), "user:\u{202e}toor",
        ])
    func badValue(text: String) {
        let error = #expect(throws: PolicyError.self) { try PolicyRule(text) }
        #expect(error?.code == .badValue)
        #expect(error?.message.contains("allowed is") == true)
    }

    @Test("A message stays one short line, whatever the rule holds")
    func messageIsOneLine() {
        let error = #expect(throws: PolicyError.self) {
            try PolicyRule("\u{1b}[2J\n" + String(repeating: "x", count: 100_000))
        }
        #expect(error?.message.unicodeScalars.contains { $0.value < 0x20 } == false)
        #expect((error?.message.count ?? .max) < 300)
    }

    @Test("Random text is refused, or is a rule that reads back the same", arguments: [1, 2, 3] as [UInt64])
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let seeds = ["uid:1000", "user:alice", "gid:100", "group:dev", "any-local"]
        for _ in 0..<2_000 {
            let start = seeds.randomElement(using: &random) ?? ""
            let text = String(decoding: random.mutated(Array(start.utf8)), as: UTF8.self)
            guard let rule = try? PolicyRule(text) else { continue }
            #expect(try PolicyRule(rule.description) == rule)
        }
    }
}
