import DTMAPI
import DTMText

/// The list of applications.
enum ApplicationsView {
    static func draw(_ model: ConsoleModel, into grid: inout Grid) {
        let top = ConsoleView.top
        guard !model.list.rows.isEmpty else {
            grid.note(nothing(model), top: top + 1, glyphs: model.canvas.glyphs)
            return
        }
        var list = model.list
        list.scroll(height: ConsoleView.listRows(model))
        let visible = list.rows[list.offset...].prefix(ConsoleView.listRows(model))
        let entries = visible.compactMap { row -> AppEntry? in
            guard case .app(let pid) = row else { return nil }
            return model.data.apps[pid]
        }
        table(model).draw(entries, selected: list.index - list.offset, into: &grid, top: top)
    }

    private static func nothing(_ model: ConsoleModel) -> [Line] {
        if model.data.status == nil { return [Line("Waiting for the manager to tell what runs here.", .dim)] }
        if !model.list.filter.isEmpty {
            return [Line("Nothing matches \(model.list.filter).", .strong), Line("Esc clears the filter.", .dim)]
        }
        return [
            Line("Nothing listens here, and nothing is connected.", .strong),
            Line("Start an application, as redis-server, and it appears here; v lists all processes.", .dim),
        ]
    }

    private static func table(_ model: ConsoleModel) -> Table<AppEntry> {
        let glyphs = model.canvas.glyphs
        let figures = Figures(glyphs: glyphs, now: model.managerTime)
        func tunnel(_ entry: AppEntry) -> TunnelEntry? { entry.report.tunnel.flatMap { model.data.tunnels[$0] } }
        func title(_ text: String, _ sortings: AppSorting...) -> String {
            guard sortings.contains(model.sorting) else { return text }
            // Numbers begin with the largest, texts and PIDs with the first.
            let ascends = [.name, .pid, .user].contains(model.sorting) != model.isSortReversed
            return "\(text) \(ascends ? glyphs.ascending : glyphs.descending)"
        }
        return Table(
            columns: [
                .init(title("APPLICATION", .name), 14, 24, priority: 0) { entry, _ in
                    Line(shown(entry.report.application), entry.report.tunnel == nil ? .text : .strong)
                },
                .init(title("PID", .pid), 7, priority: 1, trailing: true) { entry, _ in
                    Line(String(entry.report.pid), .dim)
                },
                .init(title("USER", .user), 7, 12, priority: 10) { entry, _ in Line(shown(entry.report.user)) },
                .init("STATE", 1, 8, priority: 11) { entry, width in state(entry.report.state, width: width) },
                .init(title("CPU%", .cpu), 5, priority: 5, trailing: true) { entry, _ in
                    figures.percent(entry.report.cpuPercent)
                },
                .init(title("MEM", .memory), 5, priority: 9, trailing: true) { entry, _ in
                    figures.compactBytes(entry.report.residentBytes)
                },
                .init(title("CONN", .connections), 4, priority: 6, trailing: true) { entry, _ in
                    figures.count(entry.connectionCount)
                },
                .init("LISTENS AT", 15, 26, priority: 3) { entry, _ in listeners(entry.report, figures) },
                .init("TRAFFIC", 8, 24, priority: 8) { entry, width in
                    figures.throughput(entry.throughput, width: width)
                },
                .init(title("BYTES/S", .throughput), 7, priority: 12, trailing: true) { entry, _ in
                    figures.rate(entry.rate)
                },
                .init("TIER", 8, priority: 7) { entry, _ in figures.tier(entry.report.tier) },
                .init("TUNNEL ENDPOINT", 20, 24, priority: 2) { entry, _ in
                    guard let tunnel = tunnel(entry) else { return .empty }
                    return figures.endpoint(tunnel.report.endpoint)
                },
                .init("NEXT", model.canvas.columns >= 100 ? 9 : 4, 15, priority: 4) { entry, width in
                    guard let tunnel = tunnel(entry) else { return .empty }
                    return figures.countdown(
                        model.live.link.isLive ? tunnel.nextRotation : nil, interval: tunnel.report.intervalSeconds,
                        width: width)
                },
            ], glyphs: glyphs)
    }

    /// - Parameter width: Where the word does not fit, its first letter stands for it.
    static func state(_ word: String, width: Int = .max) -> Line {
        let text = width < 8 ? String(word.prefix(1)).uppercased() : word
        return switch word {
        case "running": Line(text, .good)
        case "zombie", "dead": Line(text, .bad)
        case "stopped", "traced": Line(text, .warning)
        default: Line(shown(text), .dim)
        }
    }

    /// The first, and how many more there are.
    private static func listeners(_ app: AppReport, _ figures: Figures) -> Line {
        let places = app.listeners.filter { $0.protocol != "unix" }
            .sorted { ($0.tunnel == nil ? 1 : 0, $0.port) < ($1.tunnel == nil ? 1 : 0, $1.port) }
        guard let first = places.first else {
            guard let socket = app.listeners.first else { return Line("", .dim) }
            return Line("unix:\(shown(socket.address))", .dim)
        }
        let more = app.listeners.count - 1
        let name = first.protocol.hasPrefix("udp") ? "udp " : ""
        return [Span(name + Figures.place(first.address, first.port)), Span(more > 0 ? " +\(more)" : "", .dim)]
    }

    /// What stands below the list while there is nothing else to say.
    static func summary(_ model: ConsoleModel) -> Line {
        guard model.data.status != nil else { return .empty }
        let rows = model.list.rows.count
        var spans = [
            Span("\(rows) of \(Quantity.count(model.data.apps.count, "process", "processes"))", .dim),
            Span("  sorted by \(model.sorting.title)\(model.isSortReversed ? ", reversed" : "")", .dim),
        ]
        if !model.list.filter.isEmpty {
            spans += [Span("  filter ", .dim), Span(model.list.filter, .strong)]
        } else if model.maySteer, model.data.tunnels.isEmpty, rows > 0 {
            spans.append(Span("  p puts a tunnel in front of the selected application", .accent))
        }
        if let picture = model.data.picture, !picture.complete {
            spans.append(Span("  \(gap(picture))", .warning))
        }
        return Line(spans)
    }

    private static func gap(_ picture: LiveUpdate.Picture) -> String {
        if picture.ownOnly { return "your own alone" }
        if !picture.missingCapabilities.isEmpty { return "not all can be seen: 4 tells why" }
        return "not all can be seen"
    }
}
