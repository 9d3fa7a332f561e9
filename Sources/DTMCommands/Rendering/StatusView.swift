import DTMAPI
import DTMCore
import DTMText

/// `dtm status` for people.
enum StatusView {
    static func lines(_ report: StatusReport, _ style: TextStyle) -> [String] {
        let uptime = Quantity.duration(seconds: report.uptimeSeconds)
        let head = "dtm \(shown(report.version)) is running (pid \(report.pid), up \(uptime))"
        return [style.paint(head, .bold)] + fields(pairs(report) + others(report)) + verdict(report, style)
    }

    /// Rows of tunnels that are shown; `dtm tunnels` has all.
    private static let mostTunnels = 12

    /// What follows on a terminal, so that one screen says how things are; nothing elsewhere.
    static func tunnels(_ list: TunnelList?, _ style: TextStyle, now: Timestamp, suffix: String) -> [String] {
        guard style.width != nil, let list else { return [] }
        let live = style.paint("dtm ui\(suffix)", .bold) + " shows all of it, live."
        guard !list.tunnels.isEmpty else {
            return ["", "Nothing is protected yet: dtm protect 127.0.0.1:PORT\(suffix), or p in the console.", live]
        }
        // What is wrong comes first.
        let sorted = list.tunnels.sorted { ($0.problem == nil ? 1 : 0, $0.name) < ($1.problem == nil ? 1 : 0, $1.name) }
        let shown = TunnelList(tunnels: Array(sorted.prefix(mostTunnels)))
        let rest = sorted.count - shown.tunnels.count
        return [""] + TunnelsView.lines(shown, style, now: now)
            + (rest > 0 ? [style.paint("and \(rest) more: dtm tunnels\(suffix)", .dim)] : []) + ["", live]
    }

    private static func pairs(_ report: StatusReport) -> [(name: String, value: String)] {
        [
            ("home", shown(report.home)),
            ("configuration", report.configuration.map(shown) ?? "defaults: there is no config.json"),
            ("state", state(report.state.mode)),
            ("tunnels", String(report.tunnels)),
            ("auto-tunnel", report.autoTunnel ? "on" : "off"),
            ("analysis", report.analysis ? "on" : "off"),
            ("memory", memory(report)),
            ("secrets", report.memory.protection.map(secrets) ?? "not told"),
            ("processor", "\(Quantity.percent(report.cpuPercent)) of one core"),
            ("processes", report.processes.map(process).joined(separator: ", ")),
        ]
    }

    /// Receivers and models, of which there may be several.
    private static func others(_ report: StatusReport) -> [(name: String, value: String)] {
        let receivers = (report.notifications ?? []).map { (name: "notification", value: NotificationsView.line($0)) }
        let models = (report.models ?? []).map { (name: "model", value: ModelView.line($0)) }
        return receivers + models
    }

    private static func state(_ mode: String) -> String {
        switch mode {
        case "ephemeral": "ephemeral: keys and certificates live in memory and end with the manager"
        case "sealed": "sealed: kept encrypted across restarts"
        default: shown(mode)
        }
    }

    private static func memory(_ report: StatusReport) -> String {
        "\(Quantity.bytes(report.memory.residentBytes)) resident, \(Quantity.bytes(report.memory.lockedBytes)) locked"
    }

    private static func secrets(_ report: StatusReport.ProtectionReport) -> String {
        let policy = "memory.protection is \(shown(report.policy))"
        let reason = report.reason.map { ": \(shown($0))" } ?? ""
        guard let dataPlane = report.dataPlane, dataPlane != report.control else {
            return "in \(shown(report.control)) memory (\(policy))\(reason)"
        }
        return
            "control in \(shown(report.control)) memory, data plane in \(shown(dataPlane)) memory (\(policy))\(reason)"
    }

    private static func process(_ report: StatusReport.ProcessReport) -> String {
        "\(shown(report.role)) \(report.pid) (\(Quantity.bytes(report.residentBytes)))"
    }

    private static func verdict(_ report: StatusReport, _ style: TextStyle) -> [String] {
        guard !report.degraded.isEmpty else { return [style.paint("All is well.", .green)] }
        return [style.paint("Not all is well:", .yellow)] + report.degraded.map { "  \(shown($0))" }
    }
}
