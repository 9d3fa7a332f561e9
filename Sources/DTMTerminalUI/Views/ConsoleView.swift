import DTMAPI
import DTMText

/// Makes a screen of the model: header, tabs, body, message, footer. Pure.
enum ConsoleView {
    /// Rows above the body: the header and the tabs.
    static let top = 2
    /// Rows below it: the message and the footer.
    static let bottom = 2

    static func grid(_ model: ConsoleModel) -> Grid {
        var grid = Grid(rows: model.canvas.rows, columns: model.canvas.columns)
        guard model.canvas.isLargeEnough else {
            tooSmall(model.canvas, &grid)
            return grid
        }
        HeaderView.draw(model, into: &grid)
        drawBody(model, &grid)
        FooterView.draw(model, into: &grid)
        if let dialog = model.dialog { DialogView.draw(dialog, model, into: &grid) }
        return grid
    }

    static func bodyRows(_ model: ConsoleModel) -> Int { max(1, model.canvas.rows - top - bottom) }
    /// Without the heading.
    static func listRows(_ model: ConsoleModel) -> Int { max(1, bodyRows(model) - 1) }

    /// Which line of the list a row of the screen is; nil for none.
    static func listLine(at row: Int, _ model: ConsoleModel) -> Int? {
        let line = row - top - 1
        return (0..<listRows(model)).contains(line) ? line : nil
    }

    /// How long the text is that is shown.
    static func textLines(_ model: ConsoleModel) -> Int { page(model)?.lines.count ?? 0 }

    private static func tooSmall(_ canvas: Canvas, _ grid: inout Grid) {
        let lines = [
            "dtm needs \(Canvas.leastColumns) columns and \(Canvas.leastRows) rows;",
            "this terminal has \(canvas.columns) and \(canvas.rows).", "Make it larger, or press Q to quit.",
        ]
        for (index, line) in lines.enumerated() { grid.put(line, row: index, column: 0, style: Style(.strong)) }
    }

    private static func drawBody(_ model: ConsoleModel, _ grid: inout Grid) {
        if let page = page(model) {
            let count = bodyRows(model)
            let start = min(model.scroll, max(0, page.lines.count - count))
            for (index, line) in page.lines.dropFirst(start).prefix(count).enumerated() {
                grid.put(line, row: top + index, column: 0, glyphs: model.canvas.glyphs)
            }
            return
        }
        switch model.screen {
        case .applications: ApplicationsView.draw(model, into: &grid)
        case .tunnels: TunnelsView.draw(model, into: &grid)
        case .findings: FindingsView.draw(model, into: &grid)
        case .events: EventsView.draw(model, into: &grid)
        case .security, .performance: break
        }
    }

    /// The text that is shown; nil where a list is.
    private static func page(_ model: ConsoleModel) -> Page? {
        let figures = Figures(glyphs: model.canvas.glyphs, now: model.managerTime)
        switch model.details.last {
        case .app(let pid): return DetailsView.page(app: pid, model, figures)
        case .tunnel(let name): return DetailsView.page(tunnel: name, model, figures)
        case .event(let id): return EventsView.page(id, model, figures)
        case .finding(let id): return FindingsView.page(id, model, figures)
        case .analysis(let name): return AnalysisView.page(name, model, figures)
        case .response(let id): return ResponseView.page(id, model, figures)
        case nil: break
        }
        switch model.screen {
        case .security: return SecurityView.page(model, figures)
        case .performance: return PerformanceView.page(model, figures)
        case .findings where model.data.findings?.available != true: return FindingsView.unavailable(model)
        default: return nil
        }
    }
}

extension Grid {
    /// Lines in the middle of an empty list.
    mutating func note(_ lines: [Line], top: Int, glyphs: Glyphs) {
        for (index, line) in lines.enumerated() { put(line, row: top + index, column: 2, glyphs: glyphs) }
    }
}
