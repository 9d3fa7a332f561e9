import DTMText

/// A part of a text with a heading.
struct Block {
    var title: String
    var lines: [Line]

    init(_ title: String, _ lines: [Line]) {
        self.title = title
        self.lines = lines
    }

    /// Names and values below each other.
    static func facts(_ title: String, _ facts: [(name: String, value: Line)], glyphs: Glyphs) -> Block {
        let width = facts.map { DTMText.columns(of: $0.name) }.max() ?? 0
        return Block(
            title,
            facts.map { fact in
                Line(fact.name + String(repeating: " ", count: width - DTMText.columns(of: fact.name) + 2), .dim)
                    + fact.value
            })
    }
}

/// A text of blocks, one below the other or side by side, that is scrolled.
struct Page {
    var width: Int
    var glyphs: Glyphs
    private(set) var lines: [Line] = []

    init(width: Int, glyphs: Glyphs) {
        self.width = width
        self.glyphs = glyphs
    }

    /// From this width on, blocks stand side by side.
    static let wide = 110

    mutating func add(_ block: Block) {
        if !lines.isEmpty { lines.append(.empty) }
        lines += Self.rendered(block, width: width, glyphs: glyphs)
    }

    /// Side by side where there is room, otherwise one below the other.
    mutating func add(_ left: [Block], beside right: [Block]) {
        guard width >= Self.wide, !left.isEmpty, !right.isEmpty else {
            for block in left + right { add(block) }
            return
        }
        if !lines.isEmpty { lines.append(.empty) }
        let half = (width - 3) / 2
        let leftLines = stack(left, half)
        let rightLines = stack(right, width - 3 - half)
        for index in 0..<max(leftLines.count, rightLines.count) {
            let first = index < leftLines.count ? leftLines[index] : .empty
            let second = index < rightLines.count ? rightLines[index] : .empty
            lines.append(first.fitted(to: half + 3, glyphs: glyphs) + second)
        }
    }

    private func stack(_ blocks: [Block], _ width: Int) -> [Line] {
        var lines: [Line] = []
        for block in blocks {
            if !lines.isEmpty { lines.append(.empty) }
            lines += Self.rendered(block, width: width, glyphs: glyphs)
        }
        return lines.map { $0.width > width ? $0.fitted(to: width, glyphs: glyphs) : $0 }
    }

    private static func rendered(_ block: Block, width: Int, glyphs: Glyphs) -> [Line] {
        let title = " \(block.title) "
        let rest = max(0, width - DTMText.columns(of: title) - 2)
        let heading: Line = [
            Span(glyphs.horizontal, .frame), Span(title, .title),
            Span(String(repeating: glyphs.horizontal, count: rest), .frame),
        ]
        return [heading] + block.lines.map { Line([Span(" ")] + $0.spans) }
    }
}

/// Rows of columns whose widths follow from their contents, for tables within a page.
struct TextColumns {
    var titles: [String]
    var rows: [[Line]] = []
    /// Which columns are numbers.
    var trailing: Set<Int> = []

    func lines() -> [Line] {
        let widths = titles.indices.map { index in
            max(DTMText.columns(of: titles[index]), rows.map { $0[index].width }.max() ?? 0)
        }
        let heading = row(titles.map { Line($0, .header) }, widths)
        return [heading] + rows.map { row($0, widths) }
    }

    private func row(_ cells: [Line], _ widths: [Int]) -> Line {
        var spans: [Span] = []
        for (index, cell) in cells.enumerated() {
            let gap = String(repeating: " ", count: max(0, widths[index] - cell.width))
            let isLast = index == cells.count - 1
            spans += trailing.contains(index) ? [Span(gap)] + cell.spans : cell.spans + [Span(isLast ? "" : gap)]
            if !isLast { spans.append(Span("  ")) }
        }
        return Line(spans)
    }
}
