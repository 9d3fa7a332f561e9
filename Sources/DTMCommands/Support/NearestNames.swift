/// What a user may have meant by a name that is none.
enum NearestNames {
    /// The most names that are suggested.
    static let most = 5

    /// Those that contain the text or are contained in it, then those a few mistakes away; the nearest first.
    static func find(_ text: String, among names: Set<String>) -> [String] {
        let wanted = text.lowercased()
        let ranked = names.compactMap { name -> (rank: Int, name: String)? in
            let candidate = name.lowercased()
            guard !candidate.isEmpty, !wanted.isEmpty else { return nil }
            // One or two letters are in almost every name.
            let isPart = min(candidate.count, wanted.count) > 2
            if isPart, candidate.contains(wanted) || wanted.contains(candidate) { return (0, name) }
            let mistakes = distance(wanted, candidate, atMost: max(1, wanted.count / 3))
            return mistakes.map { ($0, name) }
        }
        return ranked.sorted { ($0.rank, $0.name) < ($1.rank, $1.name) }.prefix(most).map(\.name)
    }

    /// How many characters have to be changed, left out, put in, or change places with the next (Damerau and Levenshtein's
    /// distance, without further changes between two that changed places); nil for more than `limit`.
    static func distance(_ left: String, _ right: String, atMost limit: Int) -> Int? {
        let left = Array(left)
        let right = Array(right)
        guard abs(left.count - right.count) <= limit else { return nil }
        var lines = [Array(0...right.count)]
        for row in left.indices {
            var line = [row + 1]
            for column in right.indices {
                let isSame = left[row] == right[column]
                var least = min(lines[row][column] + (isSame ? 0 : 1), lines[row][column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    least = min(least, lines[row - 1][column - 1] + 1)
                }
                line.append(least)
            }
            lines.append(line)
        }
        let mistakes = lines[left.count][right.count]
        return mistakes <= limit ? mistakes : nil
    }
}
