import Glibc
import Testing

@testable import DTMDoctor

@Suite struct RegistryTests {
    private func documentation() throws -> String {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let bytes = HostFiles(root: root).read("/docs/troubleshooting.md", limit: 1 << 20)
        return String(decoding: try #require(bytes.value), as: UTF8.self)
    }

    @Test func `Codes are distinct, and every check says what it costs and how to mend it`() {
        let checks = HealthRegistry.checks
        #expect(Set(checks.map(\.code)).count == checks.count)
        #expect(Set(checks.map(\.title)).count == checks.count)
        for check in checks {
            #expect(check.code.hasPrefix("doctor.") && check.code.allSatisfy { $0 == "." || $0.isLowercase })
            #expect(check.consequence.count > 20 && check.consequence.hasSuffix("."), "\(check.code)")
            #expect(check.mend.count > 10 && !check.mend.hasSuffix("."), "\(check.code)")
        }
    }

    @Test func `docs/troubleshooting.md has a row for each check, with the same words`() throws {
        let rows = try documentation().split(separator: "\n").filter { $0.hasPrefix("| `doctor.") }
        let expected = HealthRegistry.checks.map { check in
            "| `\(check.code)` | \(check.title) | \(check.severity.rawValue) | \(check.consequence) | \(check.mend) |"
        }
        #expect(rows.map(String.init) == expected, "\(expected.joined(separator: "\n"))")
    }

    @Test(
        arguments: [
            (0, "0 B"), (1_023, "1023 B"), (1_024, "1 KiB"), (1_536, "1.5 KiB"), (4_456_448, "4.2 MiB"),
            (1 << 30, "1 GiB"),
            (.max, "15.9 EiB"),
        ] as [(UInt64, String)])
    func `Sizes are shown as people read them`(bytes: UInt64, text: String) { #expect(size(bytes) == text) }
}
