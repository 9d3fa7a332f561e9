import DTMAPI
import DTMText

/// What stands below `dtm apps`: what is not shown, what is missing, and what to type next.
struct AppsNotes {
    let list: AppList
    let shownApps: [AppReport]
    let suffix: String
    var hints = true

    func lines(_ style: TextStyle) -> [String] {
        let notes: [(label: String, text: String?, paint: TextStyle.Paint)] = [
            ("", hidden, .dim), ("", others, .dim), ("", elsewhere, .dim), ("", strangers, .dim),
            ("partial:", unread, .yellow), ("partial:", untold, .yellow), ("partial:", truncation, .yellow),
            ("hint:", hints ? next : nil, .bold),
        ]
        return notes.flatMap { label, text, paint in
            text.map { Self.note(label, shown($0), paint, style) } ?? []
        }
    }

    private static func note(
        _ label: String, _ text: String, _ paint: TextStyle.Paint, _ style: TextStyle
    ) -> [String] {
        let whole = label.isEmpty ? text : "\(label) \(text)"
        let lines = style.width.map { wrapped(whole, to: max(40, $0)) } ?? [whole]
        guard !label.isEmpty else { return lines.map { style.paint($0, paint) } }
        return lines.enumerated().map { index, line in
            index == 0 ? style.paint(label, paint) + line.dropFirst(label.count) : line
        }
    }

    // MARK: What is not shown

    private var hidden: String? {
        let count = list.apps.count - shownApps.count
        guard count > 0 else { return nil }
        let noun = count == 1 ? "process without sockets is" : "processes without sockets are"
        return "\(count) \(noun) not shown: dtm apps --all\(suffix)"
    }

    private var others: String? {
        list.ownOnly
            ? "Other users' applications are shown to the manager's user, root and members of group dtm." : nil
    }

    private var elsewhere: String? {
        let count = list.apps.count { $0.otherNetwork == true }
        guard count > 0 else { return nil }
        return count == 1
            ? "1 process is in another network, as in a container: its sockets are not listed."
            : "\(count) processes are in other networks, as in containers: their sockets are not listed."
    }

    /// Where rights are missing, that is said instead.
    private var strangers: String? {
        let count = list.strangers.count
        guard count > 0, gaps.isEmpty else { return nil }
        return "?: no process that can be seen holds \(count == 1 ? "this listener" : "these listeners"), "
            + "as with the kernel's own."
    }

    // MARK: What is missing

    private var gaps: [String] { Set(list.apps.flatMap(\.gaps)).sorted() }

    /// What could not be read, and with which capability it could.
    private var unread: String? {
        let count = list.apps.count { !$0.gaps.isEmpty }
        guard count > 0 else { return nil }
        let noun = Quantity.count(list.apps.count, "process", "processes")
        let whose = count == list.apps.count ? noun : "\(count) of \(noun)"
        let what = "\(Self.joined(gaps)) of \(whose) can't be read"
        let how = list.missingCapabilities.isEmpty ? "" : " without \(Self.joined(list.missingCapabilities))"
        return "\(what)\(how): dtm doctor\(suffix)"
    }

    private static func joined(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " and \(last)"
    }

    private var untold: String? {
        let parts = list.losses.compactMap(Self.loss)
        guard !parts.isEmpty else { return nil }
        return "the kernel did not tell \(Self.joined(parts)): dtm doctor\(suffix)"
    }

    /// Nil for what does not show here.
    private static func loss(_ name: String) -> String? {
        switch name {
        case "byteCounts": "byte counts"
        case "roundTripTimes": "round-trip times"
        case "consistency": "all rows of tables that kept changing"
        case "tables": "some of the tables of sockets"
        default: nil
        }
    }

    private var truncation: String? {
        guard list.truncated || list.losses.contains("truncated") else { return nil }
        return "there is more here than the inventory holds."
    }

    // MARK: What to type next

    private var next: String? {
        // Who sees only his own may not steer.
        guard !list.ownOnly else { return nil }
        for app in shownApps where app.isWorthATunnel {
            guard let place = AppListeners.sorted(app.listeners).lazy.compactMap(Self.target).first else { continue }
            return "\(app.application) has no tunnel: dtm protect \(place)\(suffix)"
        }
        return nil
    }

    /// How to reach an open TCP listener from this host; nil for one that has a tunnel, or that needs none.
    private static func target(_ listener: AppReport.Listener) -> String? {
        guard listener.protocol == "tcp" || listener.protocol == "tcp6", listener.tunnel == nil,
            listener.port != 22, listener.port != 53
        else { return nil }
        switch listener.address {
        case "0.0.0.0": return "127.0.0.1:\(listener.port)"
        case "::": return "[::1]:\(listener.port)"
        default:
            guard listener.address.hasPrefix("127.") || listener.address == "::1" else { return nil }
            return EndpointReport(host: listener.address, port: listener.port).text
        }
    }
}

extension AppReport {
    /// Neither DTM's own, nor remote login and name resolution.
    fileprivate var isWorthATunnel: Bool {
        let systems: Set<String> = ["sshd", "systemd-resolve", "systemd-resolved", "dnsmasq", "named", "unbound"]
        return name != "dtm" && !name.hasPrefix("dtm-") && !systems.contains(name)
    }
}
