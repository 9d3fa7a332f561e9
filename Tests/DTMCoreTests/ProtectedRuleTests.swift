import DTMCore
import Testing

@Suite("Rules on whom no response cuts off")
struct ProtectedRuleTests {
    @Test(
        "A rule is one term, and is written as it was read",
        arguments: ["uid:0", "uid:4294967294", "user:zoë", "user:a%2Bb", "exe:/opt/g%2B%2B/run"])
    func roundTrip(text: String) throws {
        #expect(try ProtectedRule(text).description == text)
    }

    @Test(
        "Anything else is refused, and what is allowed is said",
        arguments: [
            ("", .unknownRule), ("uid", .unknownRule), ("gid:1", .unknownRule), ("uid:-1", .badValue),
            ("uid:4294967295", .badValue), ("exe:relative", .badValue), ("exe:/a/*", .badValue),
            ("uid:1+uid:1", .contradiction), (String(repeating: "x", count: 20_000), .tooLong),
        ] as [(String, RuleError.Code)])
    func refused(text: String, code: RuleError.Code) throws {
        let error = try #require(throws: RuleError.self) { try ProtectedRule(text) }
        #expect(error.code == code)
        #expect(!error.allowed.isEmpty)
    }
}
