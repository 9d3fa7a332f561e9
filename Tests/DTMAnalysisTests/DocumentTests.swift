import Glibc
import Testing

@testable import DTMAnalysis

@Suite struct DocumentTests {
    private func documentation() throws -> String {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let file = try #require(fopen("\(root)/docs/findings.md", "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    @Test func `The table in docs/findings.md and the rules say the same`() throws {
        let rows = try documentation().split(separator: "\n").filter { $0.hasPrefix("| `") }
        #expect(rows.count == FindingKind.allCases.count)
        for kind in FindingKind.allCases {
            let row = try #require(rows.first { $0.hasPrefix("| `\(kind.code)` |") }, "\(kind.code)")
            let facts = kind.facts
            #expect(row.contains("| \(facts.title) | \(facts.risk) | "), "\(row)")
            #expect(row.hasSuffix("| \(facts.wrongWhen) | \(facts.advice) |"), "\(row)")
        }
    }
}
