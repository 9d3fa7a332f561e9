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
        let byPriority = columns.indices.sorted { columns[$0].priority < columns[$1].priority }
        var widths: [Int: Int] = [:]
        var rest = width - Self.margin + 1
        for index in byPriority where columns[index].least + 1 <= rest {
            widths[index] = columns[index].least
            rest -= columns[index].least + 1
        }
        // What is left goes to all that can use it, a column at a time.
        var grew = true
        while rest > 0, grew {
            grew = false
            for index in byPriority where rest > 0 {
                guard let own = widths[index], own < columns[index].most else { continue }
                widths[index] = own + 1
                rest -= 1
                grew = true
            }
        }
        var start = Self.margin
        return columns.indices.compactMap { index in
            guard let width = widths[index] else { return nil }
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
            let title = part.width == 1 ? String(part.column.title.prefix(1)) : part.column.title
            let text = Line(title, .header)
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
