import DTMText

/// What is laid over the screen: a framed box in its middle.
enum DialogView {
    static func draw(_ dialog: Dialog, _ model: ConsoleModel, into grid: inout Grid) {
        switch dialog {
        case .help(let offset): HelpView.draw(offset, model, into: &grid)
        case .menu(let menu): draw(menu, model, &grid)
        case .prompt(let prompt): draw(prompt, model, &grid)
        }
    }

    private static func draw(_ menu: Dialog.Menu, _ model: ConsoleModel, _ grid: inout Grid) {
        let room = min(84, grid.columns - 10)
        let text = menu.text.flatMap { DTMText.columns(of: $0) <= room ? [$0] : wrapped($0, to: room) }
        let lines = text.map { Line(shown($0)) } + (text.isEmpty ? [] : [.empty])
        let choices = menu.choices.enumerated().map { Line("\($0.offset + 1)  \($0.element.label)") }
        let box = Box(title: menu.title, content: lines + choices, footer: "Enter takes it, Esc goes back", model, grid)
        box.draw(into: &grid)
        let row = box.top + 1 + lines.count + menu.index
        grid.put(model.canvas.glyphs.selection, row: row, column: box.left + 1, style: Style(.accent))
        grid.restyle(row: row, columns: box.left + 1..<box.right - 1) { $0.isSelected = true }
    }

    private static func draw(_ prompt: Dialog.Prompt, _ model: ConsoleModel, _ grid: inout Grid) {
        let input: Line = [Span("> ", .accent), Span(prompt.text, .strong), Span("_", .accent)]
        Box(title: prompt.title, content: [input], footer: prompt.hint, model, grid).draw(into: &grid)
    }
}

/// A frame with a title, a text and a last line.
struct Box {
    let top: Int
    let left: Int
    let right: Int
    let bottom: Int
    private let title: String
    private let content: [Line]
    private let footer: String
    private let glyphs: Glyphs

    init(title: String, content: [Line], footer: String, _ model: ConsoleModel, _ grid: Grid) {
        glyphs = model.canvas.glyphs
        let widest = (content.map(\.width) + [DTMText.columns(of: title) + 4, DTMText.columns(of: footer)]).max() ?? 0
        let width = min(grid.columns - 2, widest + 6)
        let height = min(grid.rows - 2, content.count + 4)
        top = max(0, (grid.rows - height) / 2)
        left = max(0, (grid.columns - width) / 2)
        right = left + width
        bottom = top + height
        self.title = title
        self.content = content
        self.footer = footer
    }

    func draw(into grid: inout Grid) {
        grid.fill(rows: top..<bottom, columns: left..<right)
        let edge = String(repeating: glyphs.horizontal, count: right - left - 2)
        let corners = glyphs.corners
        grid.put(corners.topLeft + edge + corners.topRight, row: top, column: left, style: Style(.frame))
        grid.put(corners.bottomLeft + edge + corners.bottomRight, row: bottom - 1, column: left, style: Style(.frame))
        for row in top + 1..<bottom - 1 {
            grid.put(glyphs.vertical, row: row, column: left, style: Style(.frame))
            grid.put(glyphs.vertical, row: row, column: right - 1, style: Style(.frame))
        }
        grid.put(Line(" \(title) ", .title), row: top, column: left + 2, end: right - 2, glyphs: glyphs)
        for (index, line) in content.prefix(max(0, bottom - top - 4)).enumerated() {
            grid.put(line, row: top + 1 + index, column: left + 3, end: right - 2, glyphs: glyphs)
        }
        grid.put(Line(footer, .dim), row: bottom - 2, column: left + 3, end: right - 2, glyphs: glyphs)
    }
}
