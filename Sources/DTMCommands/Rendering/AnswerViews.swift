import DTMAPI
import DTMCore
import DTMText

/// `dtm protect` for people: what was reached, what is still open, and what to type next.
enum ProtectView {
    static func lines(_ answer: ProtectAnswer, _ style: TextStyle, now: Timestamp, suffix: String) -> [String] {
        let tunnel = answer.tunnel
        return [style.paint("\(shown(tunnel.name)) is behind a tunnel.", .bold)]
            + fields([
                ("target", shown(tunnel.target)), ("tier", tier(tunnel.tier)),
                ("endpoint", endpoint(tunnel, now)),
                ("allowed", allowed(tunnel.allow)),
            ])
            + answer.notes.map { style.paint("note:", .yellow) + " \(shown($0))" }
            + ["Use it:", "  \(command(tunnel))\(suffix)"]
    }

    private static func tier(_ tier: String) -> String {
        switch tier {
        case "isolated": "isolated: the application has no port on this host"
        case "fenced": "fenced: its port is closed to everyone but DTM"
        case "fronted": "fronted: the tunnel stands in front of its port"
        default: shown(tier)
        }
    }

    private static func allowed(_ rules: [String]) -> String {
        rules.isEmpty ? "the user that owns the application, and root" : shown(rules.joined(separator: ", "))
    }

    private static func endpoint(_ tunnel: TunnelReport, _ now: Timestamp) -> String {
        let place = tunnel.endpoint.map { shown($0.text) } ?? "none yet"
        return tunnel.nextRotation.map { "\(place), moves \(shown(Quantity.relative($0, to: now)))" } ?? place
    }

    /// The next port after the target's is easy to remember and mostly free.
    private static func command(_ tunnel: TunnelReport) -> String {
        let port: UInt16
        if case .tcp(_, let target)? = Target(tunnel.target), target < .max { port = target + 1 } else { port = 0 }
        let needsProgram = tunnel.allow.contains { (try? PolicyRule($0))?.needsProgram ?? false }
        let hosted = needsProgram ? " --hosted" : ""
        return "dtm connect \(shellQuoted(shown(tunnel.name)))\(hosted) --listen 127.0.0.1:\(port)"
    }
}

/// `dtm rotate` for people.
enum RotationView {
    static func lines(_ answer: RotateAnswer, _ style: TextStyle) -> [String] {
        guard !answer.rotations.isEmpty else { return ["There are no tunnels."] }
        var table = TextTable([
            .text("NAME", least: 8), .text("ENDPOINT"), .number("EPOCH"), .number("GENERATION"), .text("RESULT"),
        ])
        for rotation in answer.rotations {
            table.add([
                .init(rotation.tunnel), .init(rotation.endpoint?.text ?? "-"), .init(String(rotation.epoch)),
                .init(String(rotation.generation)),
                rotation.failure.map { .init($0, .red) } ?? .init("moved", .green),
            ])
        }
        return table.lines(style)
    }
}

/// `dtm config reload` for people.
enum ReloadView {
    static func lines(_ answer: ReloadAnswer, _ style: TextStyle) -> [String] {
        let source = answer.configuration.map(shown) ?? "the defaults, for there is no config.json"
        let head = answer.changes.isEmpty ? "nothing changed" : Quantity.count(answer.changes.count, "change")
        return ["Reloaded \(source): \(head)."] + answer.changes.map { "  \(shown($0))" }
            + answer.needsRestart.map { style.paint("with the next start:", .yellow) + " \(shown($0))" }
    }
}
