import DTMCore
import DTMTestSupport
import Testing

@Suite("Rules of a policy")
struct PolicyRuleTests {
    private static let digest = String(repeating: "0123456789abcdef", count: 4)

    @Test(
        "A rule is written back as it was read",
        arguments: [
            "uid:0", "uid:4294967294", "user:alice", "user:www-data", "gid:100", "group:développeurs", "any-local",
            "exe:/usr/bin/redis-cli", "exe:/usr/bin/[", "exe:/opt/a%2Bb/c%25d", "exe:/opt/a%20b%2A%3F",
            "sha256:\(digest)",
            "cgroup:/system.slice/redis.service", #"unit:dev-disk-by\x2duuid.swap"#, "unit:getty@tty1.service",
            "spiffe://example.org/client/a", "uid:1000+exe:/usr/bin/redis-cli", "gid:1+gid:2+group:a+group:b",
            "any-local+sha256:\(digest)",
        ])
    func roundTrip(text: String) throws {
        #expect(try PolicyRule(text).description == text)
    }

    @Test("Terms are read in their order")
    func terms() throws {
        let path = try #require(AbsolutePath("/usr/bin/redis-cli"))
        #expect(try PolicyRule("uid:1000+exe:/usr/bin/redis-cli").terms == [.uid(1000), .executable(path)])
    }

    @Test(
        "A value holds what a rule has a meaning for when it is encoded",
        arguments: [
            ("exe:/opt/g%2b%2b", "/opt/g++"), ("exe:/opt/100%25", "/opt/100%"), ("exe:/opt/%C3%A9", "/opt/é"),
            ("exe:/opt/a b", "/opt/a b"), ("exe:/opt/%2A", "/opt/*"), ("exe:/a%0Ab", "/a\nb"),
        ])
    func encoded(text: String, path: String) throws {
        let rule = try PolicyRule(text)
        #expect(rule.terms == [.executable(try #require(AbsolutePath(path)))])
        #expect(try PolicyRule(rule.description) == rule)
    }

    @Test("Hexadecimal digits of a hash are taken in either case and written in lower case")
    func hashCase() throws {
        #expect(try PolicyRule("sha256:\(Self.digest.uppercased())").description == "sha256:\(Self.digest)")
    }

    @Test(
        "A rule says whether it asks for the program, and for its hash",
        arguments: [
            ("uid:1+gid:2+group:a", false, false), ("any-local", false, false), ("spiffe://a/b", false, false),
            ("exe:/a", true, false), ("cgroup:/a", true, false), ("unit:a.service", true, false),
            ("uid:1+sha256:\(digest)", true, true),
        ])
    func needs(text: String, program: Bool, hash: Bool) throws {
        let rule = try PolicyRule(text)
        #expect(rule.needsProgram == program)
        #expect(rule.needsHash == hash)
    }

    @Test(
        "A rule that is not one is refused by name, with what is allowed",
        arguments: ["", ":", "path:/usr/bin/curl", "any-local:", "1000", "UID:1", "any-local:x", "exe", "uid"])
    func unknownRule(text: String) {
        let error = #expect(throws: RuleError.self) { try PolicyRule(text) }
        #expect(error?.code == .unknownRule)
        #expect(error?.message.contains("'\(text)'") == true)
        #expect(
            error?.message.contains(
                "uid:N, user:NAME, gid:N, group:NAME, exe:/PATH, sha256:HEX, cgroup:/PATH, unit:NAME, "
                    + "spiffe://DOMAIN/PATH and any-local, and several of them joined by +") == true)
    }

    @Test("A term that is none is named with the rule that it is in, and a stray + is explained")
    func unknownTerm() {
        let error = #expect(throws: RuleError.self) { try PolicyRule("uid:1+exe:/opt/g++") }
        #expect(error?.code == .unknownRule)
        #expect(error?.message.hasPrefix("'' in 'uid:1+exe:/opt/g++' is not a rule") == true)
        #expect(error?.hint == "+ joins terms; inside a value it is written %2B")
    }

    @Test(
        "A mistyped prefix is answered with the nearest form",
        arguments: [
            ("usr:alice", "user:NAME"), ("gruop:dev", "group:NAME"), ("any_local", "any-local"),
            ("anylocal", "any-local"), ("uids:1", "uid:N"), ("GID:1", "gid:N"), ("exec:/bin/sh", "exe:/PATH"),
            ("sha265:00", "sha256:HEX"), ("units:a.service", "unit:NAME"), ("uid:1+cgroups:/a", "cgroup:/PATH"),
            ("spife://a/b", "spiffe://DOMAIN/PATH"),
        ])
    func nearestPrefix(text: String, form: String) {
        let error = #expect(throws: RuleError.self) { try PolicyRule(text) }
        #expect(error?.hint == "did you mean \(form)?")
        #expect(error?.nearest == form)
    }

    @Test("A prefix that is like none gets no guess")
    func noGuess() {
        let error = #expect(throws: RuleError.self) { try PolicyRule("certificate:abc") }
        #expect(error?.hint == nil)
        #expect(error?.nearest == nil)
    }

    @Test(
        "A value that can't be is refused with what is allowed",
        arguments: [
            "uid:", "uid:-1", "uid:+1".replacing("+", with: "%2B"), "uid:4294967295", "uid:99999999999", "uid:0x10",
            "uid: 1", "gid:x", "user:", "user:a b", "user:a:b", "user:a\nb", "user:a%0Ab", "user:%", "user:%zz",
            "user:%4",
            "group:a/b", "group:a%2Fb", "user:" + String(repeating: "x", count: 256), "user:\u{202e}toor",
            "exe:", "exe:redis-cli", "exe:/", "exe://bin/sh", "exe:/bin/", "exe:/bin/./sh", "exe:/bin/../sh", "exe:/..",
            "exe:/usr/bin/*", "exe:/usr/bin/py?", "exe:/a%00b", "exe:/a%ff", "exe:/a%", "exe:/a%2", "exe:/a%zz",
            "exe:/bin/sh (deleted)", "exe:/bin/sh%20(deleted)", "exe:/\u{fffd}",
            "exe:/" + String(repeating: "x", count: 4_095),
            "sha256:", "sha256:00", "sha256:" + String(repeating: "g", count: 64),
            "sha256:" + String(repeating: "0", count: 66), "cgroup:", "cgroup:/", "cgroup:system.slice",
            "cgroup:/a/../b", "cgroup:/system.slice/*", "unit:", "unit:redis", "unit:.service", "unit:a.slice",
            "unit:a b.service", "unit:é.service", "unit:" + String(repeating: "x", count: 250) + ".service",
            "spiffe:", "spiffe://", "spiffe://a", "spiffe://A/b", "spiffe://a/", "spiffe:/a/b", "spiffe://a/b c",
        ])
    func badValue(text: String) {
        let error = #expect(throws: RuleError.self) { try PolicyRule(text) }
        #expect(error?.code == .badValue, "\(text)")
        #expect(error?.message.contains("allowed is") == true)
        #expect(error?.hint?.hasPrefix("write it as ") == true)
    }

    @Test(
        "Terms that can't hold together are refused",
        arguments: [
            "uid:1+uid:2", "user:a+user:b", "exe:/a+exe:/b", "any-local+any-local", "unit:a.service+unit:b.service",
            "spiffe://a/b+uid:1", "exe:/a+spiffe://a/b",
        ])
    func contradiction(text: String) {
        #expect(#expect(throws: RuleError.self) { try PolicyRule(text) }?.code == .contradiction)
    }

    @Test("A rule is bounded")
    func bounded() throws {
        let longest = "exe:/" + String(repeating: "x", count: 4_094)
        #expect(try PolicyRule(longest).description == longest)
        let encoded = "exe:/" + String(repeating: "%2B", count: 4_094)
        #expect(try PolicyRule(encoded).description == encoded)
        for text in [String(repeating: "x", count: 16_385), (0..<9).map { "gid:\($0)" }.joined(separator: "+")] {
            #expect(#expect(throws: RuleError.self) { try PolicyRule(text) }?.code == .tooLong)
        }
        #expect(try PolicyRule((0..<8).map { "gid:\($0)" }.joined(separator: "+")).terms.count == 8)
    }

    @Test("A message stays one short line, whatever the rule holds")
    func messageIsOneLine() {
        for text in ["\u{1b}[2J\n" + String(repeating: "x", count: 10_000), "uid:1+exe:\u{1b}[2J\n\u{202e}"] {
            let error = #expect(throws: RuleError.self) { try PolicyRule(text) }
            #expect(error?.message.unicodeScalars.contains { $0.value < 0x20 } == false)
            #expect(error?.message.unicodeScalars.contains { $0.value == 0x202e } == false)
            #expect((error?.message.count ?? .max) < 600)
        }
    }

    @Test(
        "A rule with more terms lets in fewer",
        arguments: [
            ("uid:1+exe:/a", "uid:1", true), ("uid:1", "uid:1", true), ("uid:1", "uid:1+exe:/a", false),
            ("uid:2", "uid:1", false), ("uid:1+exe:/a", "exe:/a", true), ("uid:1", "any-local", true),
            ("spiffe://a/b", "any-local", false), ("exe:/a", "any-local+exe:/a", false),
        ])
    func within(inner: String, outer: String, isWithin: Bool) throws {
        #expect(try PolicyRule(inner).isWithin(try PolicyRule(outer)) == isWithin)
    }

    @Test("Paths that Unicode takes for the same are two files")
    func canonicalEquivalence() throws {
        #expect(try PolicyRule("exe:/caf\u{e9}") != PolicyRule("exe:/cafe\u{301}"))
    }

    @Test("Random text is refused, or is a rule that reads back the same", arguments: 1...8 as ClosedRange<UInt64>)
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let seeds = [
            "uid:1000", "user:alice", "gid:100", "group:dev", "any-local", "uid:1+exe:/usr/bin/redis-cli",
            "exe:/a%2Bb/%C3%A9", "sha256:\(Self.digest)", "cgroup:/a.slice/b.service", "unit:a@b.service",
            "spiffe://a.b/c/d",
        ]
        var accepted = 0
        for _ in SeededGenerator.rounds(1_000) {
            let start = seeds.randomElement(using: &random) ?? ""
            let text = String(decoding: random.mutated(Array(start.utf8)), as: UTF8.self)
            do throws(RuleError) {
                let rule = try PolicyRule(text)
                accepted += 1
                #expect(try PolicyRule(rule.description) == rule)
                #expect(rule.description.unicodeScalars.allSatisfy { $0.value >= 0x20 })
            } catch {
                #expect(error.message.count < 1_000)
            }
        }
        #expect(accepted > 10)
    }

    @Test("Any path there can be is written and read back", arguments: 1...4 as ClosedRange<UInt64>)
    func anyPath(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in SeededGenerator.rounds(500) {
            let text = "/" + random.text(of: "ab+%*?/.\u{301}é \n\u{202e}:,'\"\\", lengths: 1...20)
            guard let path = AbsolutePath(text), path.text != "/" else { continue }
            let written = PolicyTerm.executable(path).description
            #expect(try PolicyRule(written).terms == [.executable(path)])
        }
    }
}
