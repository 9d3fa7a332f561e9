import DTMText

/// A column of a list: how wide it may be, what is dropped first where room is short, and what stands in it.
struct TableColumn<Row> {
    var title: String
    var least: Int
    var most: Int
    /// The lower, the longer it stays.
    var priority: Int
    var isTrailing = false
    /// What stands in the column, which has the given width.
    var cell: (Row, Int) -> Line

    init(
        _ title: String, _ least: Int, _ most: Int? = nil, priority: Int, trailing: Bool = false,
        _ cell: @escaping (Row, Int) -> Line
    ) {
        self.title = title
        self.least = least
        self.most = max(least, most ?? least)
        self.priority = priority
        isTrailing = trailing
        self.cell = cell
    }
}

/// A list with a heading and a selected row. The widths follow from the screen alone, so that nothing moves when contents
/// change.
struct Table<Row> {
    var columns: [TableColumn<Row>]
    var glyphs: Glyphs

    /// Before the first column, for the mark of the selection.
    private static var margin: Int { 2 }

    /// Which columns there is room for, where they begin and how wide they are.
    func layout(width: Int) -> [(column: TableColumn<Row>, start: Int, width: Int)] {
        var chosen: Set<Int> = []
        var used = Self.margin
        for index in columns.indices.sorted(by: { columns[$0].priority < columns[$1].priority }) {
            let next = columns[index].least + 1
            guard used + next - 1 <= width else { break }
            chosen.insert(index)
            used += next
        }
        var rest = width - used + 1
        var widths: [Int: Int] = [:]
        for index in chosen.sorted(by: { columns[$0].priority < columns[$1].priority }) {
            let more = min(rest, columns[index].most - columns[index].least)
            widths[index] = columns[index].least + more
            rest -= more
        }
        var start = Self.margin
        return columns.indices.filter(chosen.contains).map { index in
            let width = widths[index] ?? columns[index].least
            defer { start += width + 1 }
            return (columns[index], start, width)
        }
    }

    /// Draws the heading into the first row and `rows` below it.
    ///
    /// - Parameter selected: Which of `rows` is selected; nil for none of them.
    func draw(_ rows: [Row], selected: Int?, into grid: inout Grid, top: Int) {
        let layout = layout(width: grid.columns)
        for part in layout {
            let text = Line(part.column.title, .header)
            place(text, part.start, part.width, part.column.isTrailing, row: top, &grid)
        }
        for (index, row) in rows.enumerated() {
            let line = top + 1 + index
            guard line < grid.rows else { break }
            for part in layout {
                place(
                    part.column.cell(row, part.width), part.start, part.width, part.column.isTrailing, row: line, &grid)
            }
            guard index == selected else { continue }
            grid.put(glyphs.selection, row: line, column: 0, style: Style(.accent))
            grid.restyle(row: line) { $0.isSelected = true }
        }
    }

    private func place(_ line: Line, _ start: Int, _ width: Int, _ isTrailing: Bool, row: Int, _ grid: inout Grid) {
        let shift = isTrailing ? max(0, width - line.width) : 0
        grid.put(line, row: row, column: start + shift, end: start + width, glyphs: glyphs)
    }
}
