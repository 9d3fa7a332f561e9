import DTMAPI
import DTMText

/// The list of tunnels.
enum TunnelsView {
    static func draw(_ model: ConsoleModel, into grid: inout Grid) {
        let top = ConsoleView.top
        guard !model.list.rows.isEmpty else {
            grid.note(nothing(model), top: top + 1, glyphs: model.canvas.glyphs)
            return
        }
        var list = model.list
        list.scroll(height: ConsoleView.listRows(model))
        let entries = list.rows[list.offset...].prefix(ConsoleView.listRows(model)).compactMap { row -> TunnelEntry? in
            guard case .tunnel(let name) = row else { return nil }
            return model.data.tunnels[name]
        }
        table(model).draw(entries, selected: list.index - list.offset, into: &grid, top: top)
    }

    private static func nothing(_ model: ConsoleModel) -> [Line] {
        guard model.list.filter.isEmpty else {
            return [Line("Nothing matches \(model.list.filter).", .strong), Line("Esc clears the filter.", .dim)]
        }
        let how = model.maySteer ? "Press 1, select an application and press p; T does it for all that come." : ""
        return [Line("There is no tunnel.", .strong), Line(how, .dim)]
    }

    private static func table(_ model: ConsoleModel) -> Table<TunnelEntry> {
        let glyphs = model.canvas.glyphs
        let figures = Figures(glyphs: glyphs, now: model.managerTime)
        return Table(
            columns: [
                .init("TUNNEL", 10, 24, priority: 0) { entry, _ in
                    Line(shown(entry.report.name), entry.report.problem == nil ? .strong : .bad)
                },
                .init("TARGET", 14, 30, priority: 3) { entry, _ in Line(shown(entry.report.target)) },
                .init("TIER", 8, priority: 8) { entry, _ in figures.tier(entry.report.tier) },
                .init("ENDPOINT", 20, 24, priority: 1) { entry, _ in figures.endpoint(entry.report.endpoint) },
                .init("NEXT", model.canvas.columns >= 100 ? 12 : 4, 15, priority: 2) { entry, width in
                    figures.countdown(
                        model.live.link.isLive ? entry.nextRotation : nil, interval: entry.report.intervalSeconds,
                        width: width)
                },
                .init("ROTATED", 7, priority: 9, trailing: true) { entry, _ in figures.count(entry.report.rotations) },
                .init("FAILED", 6, priority: 11, trailing: true) { entry, _ in
                    let count = entry.report.rotationFailures
                    return Line(String(count), count == 0 ? .dim : .warning)
                },
                .init("CONN", 4, priority: 4, trailing: true) { entry, _ in
                    figures.count(Int(entry.report.connections.active))
                },
                .init("TOTAL", 7, priority: 10, trailing: true) { entry, _ in
                    figures.count(entry.report.connections.total)
                },
                .init("REFUSED", 7, priority: 12, trailing: true) { entry, _ in
                    let count = entry.report.connections.rejected
                    return Line(String(count), count == 0 ? .dim : .warning)
                },
                .init("IN/S", 7, priority: 5, trailing: true) { entry, _ in figures.rate(entry.rateIn) },
                .init("OUT/S", 7, priority: 6, trailing: true) { entry, _ in figures.rate(entry.rateOut) },
                .init("TRAFFIC", 8, 30, priority: 7) { entry, width in
                    figures.throughput(entry.throughput, width: width)
                },
                .init("CERTIFICATE", 11, priority: 13) { entry, _ in
                    figures.relative(entry.report.certificate?.notAfter)
                },
                .init("PROBLEM", 8, 40, priority: 14) { entry, _ in Line(shown(entry.report.problem ?? ""), .bad) },
            ], glyphs: glyphs)
    }
}
