import DTMAPI
import DTMCore
import DTMText

/// All there is about one application or tunnel.
enum DetailsView {
    static func page(app pid: Int32, _ model: ConsoleModel, _ figures: Figures) -> Page {
        var page = Page(width: model.canvas.columns, glyphs: figures.glyphs)
        guard let entry = model.data.apps[pid] else {
            page.add(Block("Process \(pid)", [Line("It has ended.", .strong), Line("Esc goes back.", .dim)]))
            return page
        }
        let tunnel = entry.report.tunnel.flatMap { model.data.tunnels[$0] }
        page.add(
            [process(entry, figures)],
            beside: tunnel.map { TunnelBlocks.facts($0, model, figures) } ?? [unprotected(model)])
        add(
            tunnel, app: entry.report.application, history: entry.throughput,
            connections: connections([entry], model, figures), to: &page, model, figures)
        return page
    }

    static func page(tunnel name: String, _ model: ConsoleModel, _ figures: Figures) -> Page {
        var page = Page(width: model.canvas.columns, glyphs: figures.glyphs)
        guard let tunnel = model.data.tunnels[name] else {
            page.add(
                Block("Tunnel \(shown(name))", [Line("It was removed.", .strong), Line("Esc goes back.", .dim)]))
            return page
        }
        let processes = model.data.processes(behind: name)
        page.add(
            TunnelBlocks.facts(tunnel, model, figures),
            beside: processes.first.map { [process($0, figures)] } ?? [nobody(tunnel)])
        add(
            tunnel, app: tunnel.report.application ?? processes.first?.report.application, history: tunnel.throughput,
            connections: connections(processes, model, figures), to: &page, model, figures)
        return page
    }

    private static func add(
        _ tunnel: TunnelEntry?, app: String?, history: History, connections: Block, to page: inout Page,
        _ model: ConsoleModel, _ figures: Figures
    ) {
        let half = page.width >= Page.wide ? page.width / 2 - 4 : page.width - 3
        let graph = Block("Throughput, the last two minutes", Graph.bytes(history, width: half, height: 5, figures))
        page.add([graph], beside: tunnel.map { TunnelBlocks.latencies($0, width: half, figures) } ?? [])
        page.add(connections)
        guard let tunnel else {
            page.add(findings(app: app, tunnel: nil, width: page.width, model, figures))
            return
        }
        let name = tunnel.report.name
        page.add(
            [TunnelBlocks.rotations(name, model, figures)], beside: [TunnelBlocks.decisions(name, model, figures)])
        page.add(findings(app: app, tunnel: name, width: page.width, model, figures))
    }

    private static func process(_ entry: AppEntry, _ figures: Figures) -> Block {
        let app = entry.report
        let gaps = app.gaps.isEmpty ? nil : Line("no right to read: \(app.gaps.joined(separator: ", "))", .warning)
        var facts: [(name: String, value: Line)] = [
            ("application", Line(shown(app.application), .strong)),
            ("PID", Line("\(app.pid)\(app.parent.map { ", child of \($0)" } ?? "")")),
            ("executable", app.executable.map { Line(shown($0)) } ?? figures.unknown),
            ("command", app.arguments.map { Line(shown($0)) } ?? figures.unknown),
            ("user", Line("\(shown(app.user)) (\(app.uid))")),
            ("state", ApplicationsView.state(app.state)),
            ("started", figures.relative(app.startedAt)),
            ("CPU", Line(Quantity.percent(app.cpuPercent))),
            ("memory", figures.bytes(app.residentBytes)),
            ("threads", Line(String(app.threads))),
            ("descriptors", app.descriptors.map { Line(String($0)) } ?? figures.unknown),
        ]
        if let unit = app.unit { facts.append(("unit", Line(shown(unit)))) }
        if let container = app.container { facts.append(("container", Line(shown(container)))) }
        for (index, listener) in app.listeners.prefix(6).enumerated() {
            facts.append((index == 0 ? "listens at" : "", place(listener)))
        }
        if app.listeners.count > 6 { facts.append(("", Line("and \(app.listeners.count - 6) more", .dim))) }
        if let gaps { facts.append(("missing", gaps)) }
        return .facts("Process", facts, glyphs: figures.glyphs)
    }

    private static func place(_ listener: AppReport.Listener) -> Line {
        let place =
            listener.protocol == "unix" ? shown(listener.address) : Figures.place(listener.address, listener.port)
        let tunnel = listener.tunnel.map { "behind \(shown($0))" } ?? "open"
        return [Span("\(listener.protocol) \(place)  "), Span(tunnel, listener.tunnel == nil ? .dim : .good)]
    }

    private static func unprotected(_ model: ConsoleModel) -> Block {
        Block(
            "Tunnel",
            [
                Line("None: whoever reaches its ports talks to it.", .warning),
                Line(model.maySteer ? "p puts one in front of it." : "", .dim),
            ])
    }

    private static func nobody(_ tunnel: TunnelEntry) -> Block {
        Block(
            "Process",
            [
                Line("No process of this host that can be seen listens at \(shown(tunnel.report.target)).", .warning)
            ])
    }

    private static func connections(_ entries: [AppEntry], _ model: ConsoleModel, _ figures: Figures) -> Block {
        let all = entries.flatMap { entry in entry.report.connections.map { (entry, $0) } }
        let omitted = entries.reduce(0) { $0 + ($1.report.omittedConnections ?? 0) }
        let title = "Connections (\(all.count + omitted))"
        guard !all.isEmpty else { return Block(title, [Line("None.", .dim)]) }
        var table = TextColumns(
            titles: ["LOCAL", "REMOTE", "OTHER END", "STATE", "IN", "OUT", "RTT"], trailing: [4, 5, 6])
        for (_, connection) in all.prefix(100) {
            let peer = connection.peerPid.map { pid in
                Line("\(model.data.apps[pid].map { shown($0.report.name) } ?? "?") \(pid)")
            }
            table.rows.append([
                Line(shown(connection.local)), Line(shown(connection.remote)), peer ?? figures.unknown,
                Line(shown(connection.state), connection.state == "established" ? .good : .dim),
                figures.bytes(connection.bytesIn), figures.bytes(connection.bytesOut),
                connection.rttMicros.map { Line(figures.micros(UInt64($0))) } ?? figures.unknown,
            ])
        }
        let rest = all.count + omitted - min(100, all.count)
        return Block(title, table.lines() + (rest > 0 ? [Line("and \(rest) more", .dim)] : []))
    }

    /// What the analyst says, in short, and what was found.
    private static func findings(
        app: String?, tunnel: String?, width: Int, _ model: ConsoleModel, _ figures: Figures
    ) -> Block {
        let analysis = AnalysisView.short(width: width, model, figures)
        guard let list = model.data.findings, list.available else {
            return Block("Findings and analysis", analysis + [Line("Findings are not known yet.", .dim)])
        }
        let found = list.findings.filter {
            ($0.app != nil && $0.app == app) || ($0.tunnel != nil && $0.tunnel == tunnel)
        }
        guard !found.isEmpty else {
            return Block("Findings and analysis", analysis + [Line("Nothing was found.", .good)])
        }
        let part = list.risk?.tunnels.first { $0.name == tunnel } ?? list.risk?.apps.first { $0.name == app }
        let risk = part.map {
            [Line("risk ", .dim) + figures.risk($0.risk) + Line("  = \(figures.formula($0.arithmetic))", .dim)]
        }
        return Block(
            "Findings and analysis",
            analysis + (risk ?? [])
                + found.prefix(20).map { finding in
                    figures.risk(finding.risk) + Line("  \(shown(finding.title))")
                        + Line((finding.action ?? finding.advice).map { "  \(shown($0))" } ?? "", .dim)
                })
    }
}
