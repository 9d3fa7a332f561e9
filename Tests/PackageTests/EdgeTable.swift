/// The table of allowed edges in `docs/architecture.md`: between two marks, a row for each target, with the targets and
/// the library products that it may import, each in backquotes.
struct EdgeTable {
    struct Row: Equatable {
        let targets: Set<String>
        let libraries: Set<String>
    }

    let rows: [String: Row]

    static let begin = "<!-- edges:begin -->"
    static let end = "<!-- edges:end -->"

    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    init(document: String) throws {
        let lines = document.split(separator: "\n").map(String.init)
        guard let first = lines.firstIndex(of: Self.begin), let last = lines.firstIndex(of: Self.end), first < last
        else {
            throw Malformed(description: "the document has no \(Self.begin) … \(Self.end)")
        }
        var rows: [String: Row] = [:]
        // The head and the rule below it are no rows.
        for line in lines[(first + 1)..<last].filter({ $0.hasPrefix("|") }).dropFirst(2) {
            let cells = line.split(separator: "|").map(Self.names)
            guard cells.count == 3, cells[0].count == 1 else { throw Malformed(description: "not a row: \(line)") }
            guard rows.updateValue(Row(targets: Set(cells[1]), libraries: Set(cells[2])), forKey: cells[0][0]) == nil
            else {
                throw Malformed(description: "two rows for \(cells[0][0])")
            }
        }
        self.rows = rows
    }

    /// The edges of the package that the table does not hold, and the rows that stand for no target; one line each.
    func violations(in package: PackageDescription) -> [String] {
        let targets = package.ruledTargets
        let unknown = Set(rows.keys).subtracting(targets.map(\.name)).sorted().map { "the table's \($0) is no target" }
        return targets.flatMap(violations(of:)) + unknown
    }

    private func violations(of target: PackageDescription.Target) -> [String] {
        guard let row = rows[target.name] else { return ["\(target.name) has no row"] }
        return target.dependencies.compactMap { dependency in
            let allowed = dependency.package == nil ? row.targets : row.libraries
            return allowed.contains(dependency.name) ? nil : "\(target.name) → \(dependency.name) is not in the table"
        }
    }

    /// What stands in backquotes.
    private static func names(in cell: Substring) -> [String] {
        let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
    }
}
