import DTMCore

@testable import DTMAnalysis

/// Events as control records them.
enum Sample {
    static let start = Timestamp(seconds: 1_800_000_000)

    static func started(_ time: Timestamp = start, mode: String = "ephemeral") -> Event {
        Event(time: time, kind: Event.Kind.managerStarted, severity: .notice, detail: ["mode": .string(mode)])
    }

    static func added(_ name: String = "redis", at time: Timestamp = start) -> Event {
        Event(
            time: time, kind: Event.Kind.tunnelAdded, severity: .notice, tunnel: name, app: "redis-server",
            detail: ["target": "127.0.0.1:6379", "origin": "request"])
    }

    static func rotated(_ port: Int, tunnel: String = "redis", at time: Timestamp) -> Event {
        Event(
            time: time, kind: Event.Kind.tunnelRotated, severity: .info, tunnel: tunnel,
            detail: ["host": "127.9.8.7", "port": .integer(Int64(port))])
    }

    static func granted(_ uid: Int64, tunnel: String = "redis", at time: Timestamp) -> Event {
        Event(
            time: time, kind: Event.Kind.connectGranted, severity: .info, tunnel: tunnel, app: "redis-server",
            identity: "spiffe://x/client/\(uid)", detail: ["uid": .integer(uid), "reason": "owner", "rule": "owner"])
    }

    static func opened(
        _ uid: Int64, executable: String = "/usr/bin/dtm", tunnel: String = "redis", at time: Timestamp
    ) -> Event {
        Event(
            time: time, kind: Event.Kind.connectionOpened, severity: .debug, tunnel: tunnel,
            identity: "spiffe://x/client/\(uid)",
            detail: ["uid": .integer(uid), "executable": .string(executable), "connection": 1, "count": 1])
    }

    static func refused(
        _ kind: String = Event.Kind.handshakeFailed, cause: String?, uid: Int64? = 1_001, port: Int = 5_100,
        count: Int64 = 1, executable: String? = "/usr/bin/nmap", at time: Timestamp
    ) -> Event {
        var detail: [String: DetailValue] = [
            "reason": "why", "count": .integer(count), "peer": "127.0.0.1:40000",
            "local": .string("127.9.8.7:\(port)"),
        ]
        if let cause { detail["cause"] = .string(cause) }
        if let uid { detail["uid"] = .integer(uid) }
        if let executable { detail["executable"] = .string(executable) }
        return Event(time: time, kind: kind, severity: .warning, tunnel: "redis", detail: detail)
    }

    static func stepped(_ seconds: Double, at time: Timestamp) -> Event {
        Event(time: time, kind: Event.Kind.clockStepped, severity: .warning, detail: ["seconds": .double(seconds)])
    }

    /// Rules that know a tunnel, its owner's client and its first endpoint, after the time of learning.
    static func rules() -> RuleSet {
        var rules = RuleSet()
        for event in [
            started(), added(), granted(1_000, at: start), opened(1_000, at: start), rotated(5_001, at: start),
        ] {
            _ = rules.look(at: event)
        }
        return rules
    }

    static let later = start + .seconds(3_600)
}
