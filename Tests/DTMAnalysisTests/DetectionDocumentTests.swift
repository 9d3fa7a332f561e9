import Glibc
import Testing

@testable import DTMAnalysis

@Suite struct DetectionDocumentTests {
    @Test func `The table in docs/analysis.md and the detections say the same`() throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let file = try #require(fopen("\(root)/docs/analysis.md", "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        let rows = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
        for kind in DetectionKind.allCases {
            let facts = kind.facts
            let row =
                "| `\(kind.code)` | \(facts.title) | \(facts.risk) | \(facts.confidence) | \(facts.wrongWhen) | \(facts.advice) |"
            #expect(rows.contains { $0 == row }, "docs/analysis.md lacks the row \(row)")
        }
    }
}
