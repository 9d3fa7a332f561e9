/// Finds the name that was probably meant.
public enum NearestName {
    /// The most edits that still count as a slip.
    static let maximumDistance = 3
    /// Longer names are not compared: no key comes near.
    static let maximumLength = 64

    /// The nearest of `candidates`, the first of several; nil when none is near, or when more than half of the longer
    /// name would have to change. Letter case does not count.
    public static func of(_ name: String, among candidates: [String]) -> String? {
        let wanted = Array(name.lowercased().unicodeScalars.prefix(maximumLength + 1))
        guard wanted.count <= maximumLength else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let letters = Array(candidate.lowercased().unicodeScalars)
            guard abs(letters.count - wanted.count) <= maximumDistance else { continue }
            let distance = distance(wanted, letters)
            guard distance <= maximumDistance, distance * 2 <= max(wanted.count, letters.count) else { continue }
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// The least number of insertions, deletions, substitutions and swaps of neighbours (Damerau–Levenshtein, in its
    /// "optimal string alignment" form: no letter is edited twice).
    static func distance<Letter: Equatable>(_ left: [Letter], _ right: [Letter]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let substitution = last[column] + (left[row] == right[column] ? 0 : 1)
                var least = min(substitution, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    least = min(least, beforeLast[column - 1] + 1)
                }
                current.append(least)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
