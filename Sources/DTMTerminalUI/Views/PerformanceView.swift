import DTMAPI
import DTMText

/// What the manager costs, and how quick its tunnels are.
enum PerformanceView {
    static func page(_ model: ConsoleModel, _ figures: Figures) -> Page {
        var page = Page(width: model.canvas.columns, glyphs: figures.glyphs)
        let half = page.width >= Page.wide ? page.width / 2 - 4 : page.width - 3
        let data = model.data
        page.add(
            [
                Block(
                    "Processor, of one core",
                    Graph.rows(data.cpu, width: half, height: 4, least: 5, figures) { Quantity.percent($0) })
            ],
            beside: [Block("Bytes through all tunnels", Graph.bytes(data.throughput, width: half, height: 4, figures))])
        page.add([memory(model, half, figures)], beside: [processes(model, figures)])
        page.add(timings(model, figures))
        return page
    }

    private static func memory(_ model: ConsoleModel, _ width: Int, _ figures: Figures) -> Block {
        Block(
            "Memory, resident",
            Graph.rows(model.data.memory, width: width, height: 3, least: 67_108_864, figures) {
                Quantity.bytes(UInt64(min(max(0, $0), 1e18)))
            })
    }

    private static func processes(_ model: ConsoleModel, _ figures: Figures) -> Block {
        guard let status = model.data.status else { return Block("Processes", [figures.unknown]) }
        var facts: [(name: String, value: Line)] = status.processes.map { process in
            (shown(process.role), Line("\(process.pid)  ") + figures.bytes(process.residentBytes))
        }
        facts += [
            ("locked", figures.bytes(status.memory.lockedBytes)),
            ("up", Line(Quantity.duration(seconds: status.uptimeSeconds))),
            ("connections", Line("\(model.data.activeConnections) open")),
        ]
        return .facts("Processes", facts, glyphs: figures.glyphs)
    }

    private static func timings(_ model: ConsoleModel, _ figures: Figures) -> Block {
        guard !model.data.tunnels.isEmpty else { return Block("Tunnels", [Line("None.", .dim)]) }
        var table = TextColumns(
            titles: [
                "TUNNEL", "IN/S", "OUT/S", "ROTATIONS", "SWITCH p50", "p99", "HANDSHAKE p50", "p99", "LIFETIME p50",
            ],
            trailing: Set(1...8))
        for name in model.data.tunnelNames {
            guard let entry = model.data.tunnels[name] else { continue }
            let timings = entry.report.timings
            table.rows.append(
                [
                    Line(shown(name), .strong), figures.rate(entry.rateIn), figures.rate(entry.rateOut),
                    figures.count(entry.report.rotations),
                ] + micros(timings?.rotation, figures) + micros(timings?.handshake, figures)
                    + micros(timings?.lifetime, figures).prefix(1))
        }
        return Block("Tunnels", table.lines())
    }

    private static func micros(_ timing: TimingReport?, _ figures: Figures) -> [Line] {
        guard let timing, timing.count > 0 else { return [figures.unknown, figures.unknown] }
        return [Line(figures.micros(timing.p50Micros)), Line(figures.micros(timing.p99Micros))]
    }
}
