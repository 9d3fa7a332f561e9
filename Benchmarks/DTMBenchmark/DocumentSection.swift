/// A part of a document that the benchmark writes: what stands between two lines of its name.
struct DocumentSection {
    let name: String
    let markdown: String

    private var begin: String { "<!-- \(name):begin -->" }
    private var end: String { "<!-- \(name):end -->" }
    private var text: String { "\(begin)\n\(markdown)\(end)\n" }

    /// Puts the sections into a document, each between its marks; makes the document when there is none. Throws when a
    /// section has no place in it, and leaves it as it was then.
    static func write(_ sections: [DocumentSection], to path: String) throws(BenchmarkError) {
        guard var document = ProcFile.read(path) else {
            let parts = ["# Performance\n\nRepeat it with `make bench`.\n"] + sections.map(\.text)
            return try ProcFile.write(parts.joined(separator: "\n"), to: path)
        }
        for section in sections { document = try section.replaced(in: document, of: path) }
        try ProcFile.write(document, to: path)
    }

    private func replaced(in document: String, of path: String) throws(BenchmarkError) -> String {
        let lines = document.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.firstIndex(where: { $0 == begin }), let last = lines.firstIndex(where: { $0 == end }),
            first < last
        else { throw BenchmarkError("\(path) has no lines \(begin) and \(end)") }
        let head = lines[..<first].map { $0 + "\n" }.joined()
        return head + text + lines[(last + 1)...].joined(separator: "\n")
    }
}
