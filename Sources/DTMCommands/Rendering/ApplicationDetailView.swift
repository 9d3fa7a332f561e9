import DTMAPI
import DTMCore
import DTMText

/// `dtm apps NAME` and `dtm apps PID` for people: all about one application, or one of its processes.
struct ApplicationDetailView {
    /// The most rows of one table; the others are counted.
    static let maximumRows = 50

    /// Those to show, of which there is at least one.
    let processes: [AppReport]
    let list: AppList
    let now: Timestamp
    var order: AppOrder?
    var suffix = ""
    /// Whether to say what to type next.
    var hints = true

    func text(_ style: TextStyle) -> ViewText {
        let body = head(style) + processTable(style) + listenerTable(style) + peerTable(style)
        let notes = siblings.map { [style.paint($0, .dim)] } ?? []
        // Who sees only his own may not steer, and can't follow the hint.
        let more = AppsNotes(list: part, shownApps: processes, suffix: suffix, hints: hints && !list.ownOnly)
        let all = notes + more.lines(style)
        return ViewText(body: body, notes: all.isEmpty ? [] : [""] + all)
    }

    /// What is missing is told of these processes alone.
    private var part: AppList {
        var part = AppList(apps: processes, missingCapabilities: list.missingCapabilities)
        part.losses = list.losses
        return part
    }

    private var siblings: String? {
        guard processes.count == 1, let one = processes.first else { return nil }
        let count = list.apps.count { $0.application == one.application }
        guard count > 1 else { return nil }
        return "1 of \(count) processes of \(shown(one.application)): "
            + "dtm apps \(shown(shellQuoted(one.application)))\(suffix)"
    }

    // MARK: What it is

    private func head(_ style: TextStyle) -> [String] {
        let pairs: [(name: String, value: String?)] = [
            ("user", unique { "\($0.user) (uid \($0.uid))" }), ("executable", unique(\.executable)),
            ("command", processes.count == 1 ? unique(\.arguments) : nil), ("parent", parent), ("unit", unique(\.unit)),
            ("container", unique(\.container)),
            ("cgroup", unique { $0.unit == nil && $0.cgroup != "/" ? $0.cgroup : nil }),
            ("network", processes.contains { $0.otherNetwork == true } ? "another than the manager's" : nil),
            ("protection", protection),
        ]
        let name = shown(unique(\.application) ?? "?")
        let pid = processes.count == 1 ? processes.first.map { ", pid \($0.pid)" } ?? "" : ""
        let known = pairs.compactMap { pair in pair.value.map { (name: pair.name, value: shown($0)) } }
        return [style.paint(name, .bold) + pid] + Self.fitted(known, style)
    }

    /// The fields, in full: what is too long goes on below itself.
    private static func fitted(_ pairs: [(name: String, value: String)], _ style: TextStyle) -> [String] {
        guard let width = style.width else { return fields(pairs) }
        let indent = pairs.reduce(0) { max($0, $1.name.count) } + 4
        return fields(
            pairs.flatMap { pair in
                wrapped(pair.value, to: max(20, width - indent)).enumerated().map { index, line in
                    (name: index == 0 ? pair.name : "", value: line)
                }
            })
    }

    private var parent: String? {
        guard processes.count == 1, let pid = processes.first?.parent else { return nil }
        guard let parent = list.apps.first(where: { $0.pid == pid }) else { return String(pid) }
        return "\(pid) (\(parent.name))"
    }

    /// What the processes have in common, or all that they have, each once.
    private func unique(_ value: (AppReport) -> String?) -> String? {
        var values: [String] = []
        for process in processes {
            guard let value = value(process), !value.isEmpty, !values.contains(value) else { continue }
            values.append(value)
        }
        guard !values.isEmpty else { return nil }
        let more = values.count > 3 ? ["+\(values.count - 3)"] : []
        return (values.prefix(3) + more).joined(separator: ", ")
    }

    private var protection: String {
        unique { process in process.tunnel.map { "\(process.tier) by the tunnel \($0)" } } ?? "none"
    }

    // MARK: Tables

    private func processTable(_ style: TextStyle) -> [String] {
        let hasUsers = Set(processes.map(\.uid)).count > 1
        var table = TextTable(
            [.number("PID")] + (hasUsers ? [.text("USER", least: 4)] : []) + [
                .text("STATE"), .number("CPU %"), .number("MEMORY"), .number("THR"), .number("FDS"),
                .text("STARTED"), .text("COMMAND", least: 8),
            ])
        let sorted = AppOrder.sorted(processes, by: order)
        for process in sorted.prefix(Self.maximumRows) { table.add(cells(process, hasUsers)) }
        return section("Processes", table, of: sorted.count, style)
    }

    private func cells(_ process: AppReport, _ hasUsers: Bool) -> [TextTable.Cell] {
        let command = process.arguments.flatMap { $0.isEmpty ? nil : $0 } ?? process.executable ?? "[\(process.name)]"
        return [.init(String(process.pid))] + (hasUsers ? [.init(process.user)] : []) + [
            .init(process.state), .init(Quantity.decimal(process.cpuPercent, places: 1)),
            .init(Quantity.bytes(process.residentBytes)), .init(String(process.threads)),
            .init(process.descriptors.map { String($0) } ?? "?"),
            .init(Quantity.relative(process.startedAt, to: now)), .init(command),
        ]
    }

    private func listenerTable(_ style: TextStyle) -> [String] {
        var seen: Set<String> = []
        let listeners = AppListeners.sorted(processes.flatMap(\.listeners))
            .filter { seen.insert(AppListeners.place($0)).inserted }
        guard !listeners.isEmpty else { return [] }
        var table = TextTable([.text("ADDRESS", least: 24), .text("TIER"), .text("TUNNEL", least: 8)])
        for listener in listeners.prefix(Self.maximumRows) {
            table.add([
                .init(AppListeners.place(listener)), AppsView.tier(listener.tier), .init(listener.tunnel ?? "-"),
            ])
        }
        return section("Listens at", table, of: listeners.count, style)
    }

    private func peerTable(_ style: TextStyle) -> [String] {
        let rows = AppPeers(processes, among: list.apps).rows
        guard !rows.isEmpty else { return [] }
        var table = TextTable([
            .text("PEER", least: 10), .text("WAY"), .text("PLACE", least: 20), .number("CONN"), .number("IN"),
            .number("OUT"), .number("RTT"),
        ])
        for row in rows.prefix(Self.maximumRows) {
            table.add([
                .init(row.peer), .init(row.isIncoming ? "from" : "to"), .init(row.place),
                .init(String(row.connections)), .init(row.bytesIn.map(Quantity.bytes) ?? "?"),
                .init(row.bytesOut.map(Quantity.bytes) ?? "?"),
                .init(row.roundTrip.map { Quantity.duration(seconds: Double($0) / 1e6) } ?? "?"),
            ])
        }
        return section("Connected", table, of: rows.count, style)
    }

    private func section(_ title: String, _ table: TextTable, of count: Int, _ style: TextStyle) -> [String] {
        let more = count - Self.maximumRows
        return ["", style.paint(title, .bold)] + table.lines(style)
            + (more > 0 ? [style.paint("… \(more) more", .dim)] : [])
    }
}
