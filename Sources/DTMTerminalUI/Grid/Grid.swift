import DTMText

/// A screen as a value: rows and columns of styled cells. Whatever is drawn outside of it is cut off.
struct Grid: Hashable, Sendable {
    let rows: Int
    let columns: Int
    private(set) var cells: [Cell]

    init(rows: Int, columns: Int) {
        self.rows = max(0, rows)
        self.columns = max(0, columns)
        cells = Array(repeating: .blank, count: self.rows * self.columns)
    }

    subscript(row: Int, column: Int) -> Cell { cells[row * columns + column] }

    /// Writes text in one row. Foreign text should have passed `shown`, which tells what is in it; of what could act on a
    /// terminal and comes here all the same, question marks are shown.
    ///
    /// - Parameter end: The first column that it must not reach; what does not fit is cut off.
    /// - Returns: The column behind it.
    @discardableResult
    mutating func put(_ text: some StringProtocol, row: Int, column: Int, style: Style, end: Int? = nil) -> Int {
        let end = min(columns, end ?? columns)
        guard row >= 0, row < rows, column < end else { return column }
        var column = column
        for given in text.unicodeScalars {
            // They would choose between two looks of the character before, which take one column or two.
            if (0xfe00...0xfe0f).contains(given.value) { continue }
            let scalar = isUnsafe(given) ? "?" : given
            let width = columnsTaken(by: scalar)
            if width == 0 {
                combine(scalar, row: row, before: column)
                continue
            }
            guard column + width <= end else { break }
            if column >= 0 { place(scalar, width, row, column, style) }
            column += width
        }
        return column
    }

    private mutating func place(_ scalar: Unicode.Scalar, _ width: Int, _ row: Int, _ column: Int, _ style: Style) {
        let index = row * columns + column
        unpair(index, row)
        cells[index] = Cell(scalar, style)
        guard width == 2 else { return }
        unpair(index + 1, row)
        cells[index + 1] = .tail(style)
    }

    /// Half of a wide character can't be shown.
    private mutating func unpair(_ index: Int, _ row: Int) {
        if cells[index].isTail, index > row * columns { cells[index - 1] = Cell(" ", cells[index - 1].style) }
        let next = index + 1
        if next < (row + 1) * columns, cells[next].isTail { cells[next] = Cell(" ", cells[next].style) }
    }

    private mutating func combine(_ mark: Unicode.Scalar, row: Int, before column: Int) {
        var column = column - 1
        guard column >= 0 else { return }
        if self[row, column].isTail { column -= 1 }
        guard column >= 0 else { return }
        let index = row * columns + column
        if cells[index].marks.0 == 0 {
            cells[index].marks.0 = mark.value
        } else if cells[index].marks.1 == 0 {
            cells[index].marks.1 = mark.value
        }
    }

    /// Gives a whole row, or a part of it, a style without changing what stands there.
    mutating func restyle(row: Int, columns range: Range<Int>? = nil, _ change: (inout Style) -> Void) {
        guard row >= 0, row < rows else { return }
        for column in (range ?? 0..<columns).clamped(to: 0..<columns) { change(&cells[row * columns + column].style) }
    }

    /// Blanks in one style.
    mutating func fill(rows: Range<Int>, columns range: Range<Int>, style: Style = .text) {
        for row in rows.clamped(to: 0..<self.rows) {
            for column in range.clamped(to: 0..<columns) { cells[row * columns + column] = Cell(" ", style) }
        }
    }

    /// Each row as text, without the blanks at its end.
    var lines: [String] {
        (0..<rows).map { row in
            var text = ""
            for column in 0..<columns { text += self[row, column].text }
            while text.hasSuffix(" ") { text.removeLast() }
            return text
        }
    }
}
