import DTMAPI

/// Listeners as people write them, in the order of their ports, Unix sockets last.
enum AppListeners {
    /// The most that one row of a table names.
    static let most = 3

    /// Each once. A port at any address of both families is `*:PORT`, as in `ss(8)`.
    static func texts(_ listeners: [AppReport.Listener]) -> [String] {
        var texts: [String] = []
        var seen: Set<String> = []
        let places = Set(listeners.map(place))
        for listener in sorted(listeners) {
            let text = isDual(listener, places) ? "\(prefix(listener))*:\(listener.port)" : place(listener)
            if seen.insert(text).inserted { texts.append(text) }
        }
        return texts
    }

    static func sorted(_ listeners: [AppReport.Listener]) -> [AppReport.Listener] {
        listeners.sorted { left, right in
            (rank(left), left.port, left.address) < (rank(right), right.port, right.address)
        }
    }

    /// `127.0.0.1:6379`, `udp:[::1]:53`, `unix:/run/x`.
    static func place(_ listener: AppReport.Listener) -> String {
        guard listener.protocol != "unix" else { return "unix:\(listener.address)" }
        return prefix(listener) + EndpointReport(host: listener.address, port: listener.port).text
    }

    private static func isDual(_ listener: AppReport.Listener, _ places: Set<String>) -> Bool {
        guard listener.address == "0.0.0.0" || listener.address == "::" else { return false }
        let start = prefix(listener)
        return places.contains("\(start)0.0.0.0:\(listener.port)") && places.contains("\(start)[::]:\(listener.port)")
    }

    private static func prefix(_ listener: AppReport.Listener) -> String {
        listener.protocol.hasPrefix("udp") ? "udp:" : ""
    }

    private static func rank(_ listener: AppReport.Listener) -> Int {
        switch listener.protocol {
        case "tcp", "tcp6": 0
        case "unix": 2
        default: 1
        }
    }
}
