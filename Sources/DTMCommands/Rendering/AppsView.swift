import DTMAPI
import DTMText

/// `dtm apps` for people: a row for each process, and one for each listener whose process can't be read.
struct AppsView {
    /// From this width on there is room for all columns.
    static let wide = 100

    let list: AppList
    /// Whether processes without sockets are shown too.
    var all = false
    var order: AppOrder?
    /// ` --home DIR` for the commands that are suggested.
    var suffix = ""
    /// Whether to say what to type next.
    var hints = true

    func text(_ style: TextStyle) -> ViewText {
        let apps = AppOrder.sorted(all ? list.apps : list.apps.filter(\.hasSockets), by: order)
        let strangers = list.strangers
        let isEmpty = apps.isEmpty && strangers.isEmpty
        return ViewText(
            body: isEmpty ? [nothing] : table(apps, strangers, style).lines(style),
            notes: AppsNotes(list: list, shownApps: apps, suffix: suffix, hints: hints).lines(style))
    }

    private var nothing: String {
        list.ownOnly
            ? "None of your processes listens or is connected." : "Nothing listens here, and nothing is connected."
    }

    private func table(
        _ apps: [AppReport], _ strangers: [AppList.Unattributed], _ style: TextStyle
    ) -> TextTable {
        let columns = Columns(apps, strangers, style)
        var table = TextTable(columns.all)
        // They listen, too, so they stand behind what does, unless another order was asked for.
        let split = order == nil ? apps.firstIndex { $0.listeners.isEmpty } ?? apps.count : apps.count
        for app in apps[..<split] { table.add(columns.cells(app)) }
        for stranger in strangers { table.add(columns.cells(stranger)) }
        for app in apps[split...] { table.add(columns.cells(app)) }
        return table
    }

    static func tier(_ tier: String) -> TextTable.Cell { .init(tier, tier == "none" ? .dim : .green) }

    /// Room is short at 80 columns: the tier is left out where the name of a tunnel says it, and that where there is none.
    private struct Columns {
        let hasTier: Bool
        let hasTunnel: Bool

        init(_ apps: [AppReport], _ strangers: [AppList.Unattributed], _ style: TextStyle) {
            hasTunnel = apps.contains { $0.tunnel != nil } || strangers.contains { $0.tunnel != nil }
            hasTier = !hasTunnel || (style.width ?? .max) >= AppsView.wide
        }

        var all: [TextTable.Column] {
            [.number("PID"), .text("APPLICATION", least: 11), .text("USER", least: 4)]
                + (hasTier ? [.text("TIER")] : []) + (hasTunnel ? [.text("TUNNEL", least: 6)] : [])
                + [.number("CPU %"), .number("MEMORY"), .number("CONN"), .text("LISTENS AT", least: 15)]
        }

        private func protection(_ tier: String, _ tunnel: String?) -> [TextTable.Cell] {
            let name = TextTable.Cell(tunnel ?? "-", tunnel == nil ? .dim : .green)
            return (hasTier ? [AppsView.tier(tier)] : []) + (hasTunnel ? [name] : [])
        }

        func cells(_ app: AppReport) -> [TextTable.Cell] {
            [.init(String(app.pid)), .init(app.application), .init(app.user)] + protection(app.tier, app.tunnel) + [
                .init(Quantity.decimal(app.cpuPercent, places: 1)), .init(Quantity.bytes(app.residentBytes)),
                .init(String(app.connections.count)),
                .init(items: AppListeners.texts(app.listeners), most: AppListeners.most),
            ]
        }

        /// The kernel says who made it, and no more.
        func cells(_ stranger: AppList.Unattributed) -> [TextTable.Cell] {
            let place = AppReport.Listener(
                protocol: stranger.protocol, address: stranger.address, port: stranger.port)
            return ["?", .init("?"), .init(stranger.owner)] + protection(stranger.tier, stranger.tunnel)
                + ["?", "?", "?", .init(AppListeners.place(place))]
        }
    }
}

extension AppReport {
    /// Whether it has anything to do with others.
    var hasSockets: Bool { !listeners.isEmpty || !connections.isEmpty || tunnel != nil }
}

extension AppList {
    /// The listeners of unknown processes that have a port, by that.
    var strangers: [Unattributed] {
        unattributed.filter { $0.protocol != "unix" }
            .sorted { ($0.port, $0.address, $0.protocol) < ($1.port, $1.address, $1.protocol) }
    }
}

extension AppList.Unattributed {
    fileprivate var owner: String { user ?? uid.map { String($0) } ?? "?" }
}
