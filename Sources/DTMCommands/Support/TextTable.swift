import DTMText

/// Rows under headings, in columns that are as wide as what is in them, or narrower on a narrow terminal.
package struct TextTable: Sendable {
    package struct Column: Sendable {
        let heading: String
        let isRight: Bool
        /// How far it may be narrowed; nil for never.
        let least: Int?

        /// Text: left-aligned, narrowed down to `least` columns when there is no room.
        static func text(_ heading: String, least: Int? = nil) -> Self {
            Self(heading: heading, isRight: false, least: least)
        }

        /// Numbers: right-aligned, never cut.
        static func number(_ heading: String) -> Self { Self(heading: heading, isRight: true, least: nil) }
    }

    package struct Cell: Sendable, ExpressibleByStringLiteral {
        let text: String
        let paint: TextStyle.Paint?
        /// What ``text`` enumerates, of which a narrow column names the first and counts the others; empty for plain text.
        private let items: [String]

        init(_ text: String, _ paint: TextStyle.Paint? = nil) {
            self.text = shown(text)
            self.paint = paint
            items = []
        }

        /// - Parameter most: How many are named where there is room.
        init(items: [String], most: Int) {
            self.items = items.map { shown($0) }
            text = items.isEmpty ? "-" : Self.naming(min(most, items.count), of: self.items)
            paint = nil
        }

        /// The text in `width` columns.
        func fitted(to width: Int) -> String {
            guard DTMText.columns(of: text) > width, items.count > 1 else { return cut(text, to: width) }
            let most = items.count { DTMText.columns(of: $0) < width }
            let texts = stride(from: most, to: 0, by: -1).map { Self.naming($0, of: items) }
            return texts.first { DTMText.columns(of: $0) <= width } ?? cut(items[0], to: width)
        }

        private static func naming(_ count: Int, of items: [String]) -> String {
            (items.prefix(count) + (items.count > count ? ["+\(items.count - count)"] : [])).joined(separator: " ")
        }

        package init(stringLiteral value: String) { self.init(value) }
    }

    let columns: [Column]
    private var rows: [[Cell]] = []
    private static let gap = 2

    init(_ columns: [Column]) { self.columns = columns }

    mutating func add(_ cells: [Cell]) { rows.append(cells) }

    /// The headings, then the rows.
    func lines(_ style: TextStyle) -> [String] {
        let widths = widths(style.width)
        let headings = columns.map { Cell($0.heading, .bold) }
        return ([headings] + rows).map { line($0, widths, style) }
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ style: TextStyle) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let text = cell.fitted(to: widths[index])
            let padding = String(repeating: " ", count: widths[index] - DTMText.columns(of: text))
            let isLast = index == cells.count - 1
            let painted = style.paint(text, cell.paint)
            line += columns[index].isRight ? padding + painted : painted + (isLast ? "" : padding)
            if !isLast { line += String(repeating: " ", count: Self.gap) }
        }
        return line
    }

    /// The natural widths, the widest that may be narrowed first until all fit or none is left.
    private func widths(_ available: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(DTMText.columns(of: columns[index].heading)) {
                max($0, DTMText.columns(of: $1[index].text))
            }
        }
        guard let available else { return widths }
        var excess = widths.reduce(0, +) + Self.gap * (columns.count - 1) - available
        while excess > 0, let widest = widestNarrowable(widths) {
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private func widestNarrowable(_ widths: [Int]) -> Int? {
        columns.indices
            .filter { index in columns[index].least.map { widths[index] > $0 } ?? false }
            .max { widths[$0] < widths[$1] }
    }
}

/// Names and what they stand for, one a line, the values below each other.
package func fields(_ pairs: [(name: String, value: String)], indent: Int = 2) -> [String] {
    let width = pairs.reduce(0) { max($0, columns(of: $1.name)) }
    return pairs.map { name, value in
        String(repeating: " ", count: indent) + name + String(repeating: " ", count: width - columns(of: name) + 2)
            + value
    }
}
