import DTMCore
import Glibc
import Testing

@testable import DTMConfiguration

/// `docs/configuration.md` and the code say the same.
@Suite struct DocumentationTests {
    private struct Row: Hashable {
        var key: String
        var unit: String
        var defaultText: String
        var allowed: String
        var effect: String
    }

    private func documentation() throws -> String {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let file = try #require(fopen("\(root)/docs/configuration.md", "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// The rows of the table of keys: those that start with a key in backticks, up to the table's end.
    private func rows(of text: String) -> [(row: Row, reason: String)] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let table = lines.drop { !$0.hasPrefix("| key |") }.prefix { $0.hasPrefix("|") }
        return table.filter { $0.hasPrefix("| `") }.map { line in
            let cells = line.split(separator: "|").map { cell in
                String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            let plain = cells.map { $0.filter { $0 != "`" } }
            guard plain.count == 6 else {
                return (Row(key: String(line), unit: "", defaultText: "", allowed: "", effect: ""), "")
            }
            return (
                Row(key: plain[0], unit: plain[1], defaultText: plain[2], allowed: plain[3], effect: plain[4]), plain[5]
            )
        }
    }

    @Test("The table holds every key with its unit, default, bounds and effect, in the order of the code") func table()
        throws
    {
        let code = ConfigurationKey.all.map { key in
            Row(
                key: key.path, unit: key.unit ?? "", defaultText: key.defaultText, allowed: key.allowed,
                effect: key.effect.rawValue)
        }
        let documented = rows(of: try documentation())
        #expect(documented.map(\.row) == code)
        #expect(documented.allSatisfy { $0.reason.count > 20 })
    }

    @Test("It holds every form of a rule, and what it says of bounds is so") func rules() throws {
        let text = try documentation()
        let forms = "\(PolicyTerm.forms), \(ListenerTerm.forms)".replacing(" and ", with: ", ").replacing(
            " or ", with: ", ")
        for form in forms.split(separator: ", ") { #expect(text.contains("`\(form)`"), "\(form)") }
        #expect(PolicyRule.maximumTerms == 8)
        #expect(PolicyRule.maximumBytes == 16_384)
        let path = try #require(AbsolutePath("/opt/g++/run"))
        #expect(try PolicyRule("exe:/opt/g%2B%2B/run").terms == [.executable(path)])
    }

    @Test("Its example is a valid configuration") func example() throws {
        let text = try documentation()
        let parts = text.components(betweenFences: "json")
        #expect(!parts.isEmpty)
        for part in parts { _ = try parse(part) }
    }

    @Test("Its sample of an error is what the code says") func sampleError() throws {
        let found = problems(
            """
            {
              "rotation": { "intervalSecond": 5 },
              "tunnels": [
                { "name": "redis", "target": "127.0.0.1:6379",
                  "portRange": [6000, 5000] }
              ]
            }
            """)
        let text = try documentation()
        for problem in found {
            let sentence = problem.description.drop { $0 != " " }
            #expect(text.contains(sentence))
        }
    }
}

extension String {
    fileprivate func components(betweenFences language: String) -> [String] {
        var blocks: [String] = []
        var lines: [Substring]?
        for line in split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "```\(language)" {
                lines = []
            } else if line == "```", let block = lines {
                blocks.append(block.joined(separator: "\n"))
                lines = nil
            } else {
                lines?.append(line)
            }
        }
        return blocks
    }
}
