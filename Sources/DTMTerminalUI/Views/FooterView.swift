import DTMAPI
import DTMText

/// The last two rows: what is to be said, and which keys do something here.
enum FooterView {
    static func draw(_ model: ConsoleModel, into grid: inout Grid) {
        let glyphs = model.canvas.glyphs
        grid.put(message(model), row: grid.rows - 2, column: 1, glyphs: glyphs)
        var column = 1
        let fixed = [("?", "help"), ("Q", "quit")]
        let reserve = fixed.reduce(0) { $0 + width($1) } - 1
        for key in keys(model) where column + width(key) <= grid.columns - reserve {
            column = put(key, column, &grid)
        }
        for key in fixed { column = put(key, column, &grid) }
    }

    private static func width(_ key: (String, String)) -> Int {
        DTMText.columns(of: key.0) + DTMText.columns(of: key.1) + 3
    }

    private static func put(_ key: (String, String), _ column: Int, _ grid: inout Grid) -> Int {
        let row = grid.rows - 1
        let next = grid.put(key.0, row: row, column: column, style: Style(.key))
        return grid.put(" \(key.1)", row: row, column: next, style: Style(.dim)) + 2
    }

    /// The most important first.
    private static func keys(_ model: ConsoleModel) -> [(String, String)] {
        let glyphs = model.canvas.glyphs
        let isWide = model.canvas.columns >= 100
        if model.isFiltering { return [("Enter", "keep"), ("Esc", "clear"), (glyphs.upDown, "select")] }
        let isListed = model.screen.isList && model.details.isEmpty
        var keys: [(String, String)] = []
        if !model.details.isEmpty { keys.append(("Esc", "back")) }
        if isWide { keys.append((glyphs.upDown, isListed ? "select" : "scroll")) }
        if isListed, !model.list.rows.isEmpty { keys.append(("Enter", "details")) }
        if model.maySteer { keys += steering(model) }
        if !model.maySteer { keys.append(("P", "analyse PID")) }
        if isListed, !model.maySteer { keys.append(("/", "filter")) }
        if model.details.isEmpty { keys.append(("Tab", "next")) }
        if model.screen == .applications, model.details.isEmpty {
            keys += [("s", "sort"), ("v", model.showsAll ? "fewer" : "all")]
        }
        keys.append(("Space", model.isPaused ? "go on" : "pause"))
        return keys
    }

    private static func steering(_ model: ConsoleModel) -> [(String, String)] {
        var keys: [(String, String)] = []
        if !model.approvable.isEmpty { keys.append(("a", "approve")) }
        if model.subjectFinding != nil || !model.approvable.isEmpty { keys.append(("d", "dismiss")) }
        if !model.undoable.isEmpty { keys.append(("u", "undo")) }
        if model.isAmongResponses, let list = model.live.responses {
            keys.append(("X", list.stopped ? "resume responses" : "stop responses"))
        }
        if model.subjectTunnel != nil {
            keys += [("p", "unprotect"), ("r", "rotate")]
        } else if case .app = model.subject, let app = model.subjectApp,
            !ConsoleModel.targets(of: app.report).isEmpty
        {
            keys.append(("p", "protect"))
        }
        keys.append(("T", "auto-tunnel"))
        if model.screen.isList, model.details.isEmpty { keys.append(("/", "filter")) }
        if !model.live.tunnels.isEmpty { keys.append(("R", "rotate all")) }
        keys += [("A", "analysis"), ("P", "analyse PID")]
        return keys
    }

    private static func message(_ model: ConsoleModel) -> Line {
        if model.isFiltering {
            let count = Quantity.count(model.list.rows.count, "row")
            return [Span("/\(shown(model.list.filter))", .strong), Span("_", .accent), Span("  \(count)", .dim)]
        }
        if let message = model.message {
            let role: Role =
                switch message.kind {
                case .progress: .dim
                case .done: .good
                case .failed: .bad
                }
            let hint = message.hint.map { [Span("  \(shown($0))", .dim)] } ?? []
            return Line([Span(shown(message.text), role)] + hint)
        }
        guard model.details.isEmpty else { return .empty }
        switch model.screen {
        case .applications: return ApplicationsView.summary(model)
        case .tunnels, .events: return filterSummary(model)
        case .findings: return FindingsView.summary(model)
        case .security, .performance: return .empty
        }
    }

    static func filterSummary(_ model: ConsoleModel) -> Line {
        let count = Quantity.count(model.list.rows.count, "row")
        guard !model.list.filter.isEmpty else { return Line(count, .dim) }
        return [
            Span(count, .dim), Span("  filter ", .dim), Span(model.list.filter, .strong), Span("  Esc clears it", .dim),
        ]
    }
}
