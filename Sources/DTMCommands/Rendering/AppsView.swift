import DTMAPI

/// `dtm apps` for people.
enum AppsView {
    static func lines(_ list: AppList, _ style: TextStyle, all: Bool) -> [String] {
        let shownApps = all ? list.apps : list.apps.filter { !$0.listeners.isEmpty || $0.tunnel != nil }
        return table(shownApps).lines(style) + footer(hidden: list.apps.count - shownApps.count, style)
            + partial(list, style)
    }

    /// That something is missing, and why.
    private static func partial(_ list: AppList, _ style: TextStyle) -> [String] {
        guard !list.complete else { return [] }
        guard !list.missingCapabilities.isEmpty else {
            return [
                style.paint("This is not all that runs here: others' processes or some sockets are left out.", .dim)
            ]
        }
        let count = list.apps.count { !$0.gaps.isEmpty }
        let noun = count == 1 ? "process is shown without its" : "processes are shown without their"
        let capabilities = list.missingCapabilities.joined(separator: " and ")
        return [
            style.paint(
                "\(count) \(noun) sockets or executable: the manager lacks \(capabilities). See dtm doctor.", .dim)
        ]
    }

    private static func table(_ apps: [AppReport]) -> TextTable {
        var table = TextTable([
            .number("PID"), .text("APPLICATION", least: 12), .text("USER", least: 6), .text("TIER"),
            .text("TUNNEL", least: 8), .number("CPU"), .number("MEMORY"), .number("CONN"),
            .text("LISTENS AT", least: 14),
        ])
        for app in apps { table.add(cells(app)) }
        return table
    }

    private static func cells(_ app: AppReport) -> [TextTable.Cell] {
        [
            .init(String(app.pid)), .init(app.application), .init(app.user),
            .init(app.tier, app.tier == "none" ? .dim : .green), .init(app.tunnel ?? "-"),
            .init(Quantity.percent(app.cpuPercent)), .init(Quantity.bytes(app.residentBytes)),
            .init(String(app.connections.count)), .init(listeners(app)),
        ]
    }

    private static func listeners(_ app: AppReport) -> String {
        app.listeners.isEmpty ? "-" : app.listeners.map(listener).joined(separator: " ")
    }

    private static func listener(_ listener: AppReport.Listener) -> String {
        switch listener.protocol {
        case "tcp", "tcp6": EndpointReport(host: listener.address, port: listener.port).text
        case "unix": "unix:\(listener.address)"
        default: "\(listener.protocol):\(EndpointReport(host: listener.address, port: listener.port).text)"
        }
    }

    private static func footer(hidden: Int, _ style: TextStyle) -> [String] {
        guard hidden > 0 else { return [] }
        let noun = hidden == 1 ? "process that listens nowhere is" : "processes that listen nowhere are"
        return [style.paint("\(hidden) \(noun) not shown: dtm apps --all", .dim)]
    }
}
