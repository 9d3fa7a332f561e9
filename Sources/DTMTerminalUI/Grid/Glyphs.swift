/// The characters that figures are drawn with.
struct Glyphs: Hashable, Sendable {
    /// Whether blocks and lines can be shown; else everything is ASCII.
    var isUnicode: Bool

    static let unicode = Self(isUnicode: true)
    static let ascii = Self(isUnicode: false)

    /// Stands for what is not known.
    var unknown: String { isUnicode ? "–" : "-" }
    var ellipsis: String { isUnicode ? "…" : "~" }
    var selection: String { isUnicode ? "▶" : ">" }
    var ascending: String { isUnicode ? "▲" : "^" }
    var descending: String { isUnicode ? "▼" : "v" }
    var arrow: String { isUnicode ? "→" : "->" }
    var horizontal: String { isUnicode ? "─" : "-" }
    var vertical: String { isUnicode ? "│" : "|" }
    var corners: (topLeft: String, topRight: String, bottomLeft: String, bottomRight: String) {
        isUnicode ? ("┌", "┐", "└", "┘") : ("+", "+", "+", "+")
    }
    var upDown: String { isUnicode ? "↑↓" : "Up/Dn" }

    private static let eighths: [Character] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    private static let levels: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let asciiLevels: [Character] = ["_", ".", ":", "-", "=", "+", "*", "#"]

    /// A bar of `width` columns that is filled to `part`, 0…1: what is filled, and what is not.
    func bar(_ part: Double, width: Int) -> (filled: String, rest: String) {
        let part = part.isFinite ? min(1, max(0, part)) : 0
        guard isUnicode else {
            let count = Int((part * Double(width)).rounded())
            return (String(repeating: "#", count: count), String(repeating: ".", count: width - count))
        }
        let steps = Int((part * Double(width) * 8).rounded())
        var filled = String(repeating: "█", count: steps / 8)
        if steps % 8 > 0 { filled.append(Self.eighths[steps % 8]) }
        return (filled, String(repeating: "░", count: max(0, width - filled.count)))
    }

    /// The latest `width` of `values`, each a column whose height is its part of `maximum`; blank where there is no value
    /// yet.
    func sparkline(_ values: some BidirectionalCollection<Double?>, width: Int, maximum: Double) -> String {
        let levels = isUnicode ? Self.levels : Self.asciiLevels
        var result = ""
        for value in values.suffix(width) {
            guard let value, value.isFinite else {
                result.append(" ")
                continue
            }
            let part = maximum > 0 ? min(1, max(0, value / maximum)) : 0
            // What is more than nothing is seen to be.
            let level =
                part == 0 ? 0 : min(levels.count - 1, max(1, Int((part * Double(levels.count - 1)).rounded(.up))))
            result.append(levels[level])
        }
        return String(repeating: " ", count: max(0, width - values.count)) + result
    }
}
