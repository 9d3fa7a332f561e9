import DTMAPI
import DTMCore
import DTMText

/// The first two rows: the manager, and the screens.
enum HeaderView {
    static func draw(_ model: ConsoleModel, into grid: inout Grid) {
        grid.fill(rows: 0..<1, columns: 0..<grid.columns, style: Style(bannerRole(model)))
        let right =
            " \(model.managerTime.map { Figures.clock($0.rfc3339) } ?? "")\(model.managerTime == nil ? "" : "Z") "
        let start = max(0, grid.columns - DTMText.columns(of: right))
        grid.put(right, row: 0, column: start, style: Style(bannerRole(model)))
        var column = 0
        for (index, text) in banner(model).enumerated() {
            let piece = (index == 0 ? " " : "  ") + text
            guard column + DTMText.columns(of: piece) <= start else { break }
            column = grid.put(piece, row: 0, column: column, style: Style(bannerRole(model)))
        }
        drawTabs(model, &grid)
    }

    private static func bannerRole(_ model: ConsoleModel) -> Role {
        switch model.live.link {
        case .away: .alarm
        case .live, .connecting: .banner
        }
    }

    /// The most important first: what does not fit is left out.
    private static func banner(_ model: ConsoleModel) -> [String] {
        let data = model.data
        switch model.live.link {
        case .connecting: return ["dtm", "waiting for the manager"]
        case .away(let since, let reason):
            return [
                "dtm: the manager is away since \(Quantity.duration(seconds: (model.now - since).inSeconds)), waiting for it",
                shown(reason),
            ]
        case .live: break
        }
        guard let status = data.status else { return ["dtm"] }
        let degraded = status.degraded.isEmpty ? [] : ["\(Quantity.count(status.degraded.count, "problem")): 4"]
        return ["dtm \(shown(status.version))"] + (model.isPaused ? ["PAUSED"] : []) + degraded
            + [
                Quantity.count(status.tunnels, "tunnel"),
                Quantity.count(data.activeConnections, "connection"),
                "auto-tunnel \(status.autoTunnel ? "on" : "off")",
                "analysis \(status.analysis ? "on" : "off")",
                shown(status.state.mode),
                "CPU \(Quantity.percent(status.cpuPercent))",
                Quantity.bytes(status.memory.residentBytes),
                "up \(Quantity.duration(seconds: status.uptimeSeconds))",
            ]
    }

    private static func drawTabs(_ model: ConsoleModel, _ grid: inout Grid) {
        if let subject = model.details.last {
            grid.put(breadcrumb(subject, model), row: 1, column: 0, glyphs: model.canvas.glyphs)
            return
        }
        let isNarrow = grid.columns < 84
        var column = isNarrow ? 0 : 1
        for screen in Screen.allCases {
            let title = isNarrow && screen.shortTitle != nil ? screen.shortTitle ?? "" : screen.title
            let isCurrent = screen == model.screen
            let text = isNarrow ? "\(screen.rawValue + 1) \(title)" : " \(screen.rawValue + 1) \(title) "
            column = grid.put(
                text, row: 1, column: column, style: Style(isCurrent ? .strong : .dim, isSelected: isCurrent))
            column += isNarrow ? 2 : 1
        }
    }

    private static func breadcrumb(_ subject: RowID, _ model: ConsoleModel) -> Line {
        let name =
            switch subject {
            case .app(let pid): "\(shown(model.data.apps[pid]?.report.application ?? "gone")) \(pid)"
            case .tunnel(let name): "tunnel \(shown(name))"
            case .finding(let id): "finding \(shown(id))"
            case .response(let id): "response \(shown(id))"
            case .event(let id): "event \(id)"
            case .analysis(let name): "analysis of \(shown(name))"
            }
        return [
            Span(" \(model.screen.title) ", .dim), Span("\(model.canvas.glyphs.arrow) ", .dim), Span(name, .strong),
        ]
    }
}

extension Screen {
    /// Where room is short.
    fileprivate var shortTitle: String? {
        switch self {
        case .applications: "Apps"
        case .performance: "Perf"
        default: nil
        }
    }
}
