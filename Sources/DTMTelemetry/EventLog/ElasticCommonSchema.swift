public import DTMCore

/// Events under the names of the Elastic Common Schema 8.11, as dotted keys in the order that its logging specification
/// asks for: `@timestamp`, `log.level`, `message` first.
enum ElasticCommonSchema {
    static let version = "8.11.0"
    static let serviceName = "dtm"

    /// The line of an event, with its end.
    static func line(_ event: Event, pid: Int32) -> [UInt8] {
        var line = start(time: event.time, level: event.severity, message: message(event), pid: pid)
        line.add("event.kind", kind(event))
        line.add("event.category", .list(category(event.kind)))
        line.add("event.action", event.kind)
        line.add("event.severity", .integer(rank(event.severity)))
        line.add("dtm.tunnel", event.tunnel)
        line.add("dtm.app", event.app)
        line.add("dtm.identity", event.identity)
        for (key, value) in event.detail.sorted(by: { $0.key < $1.key }) { line.add("dtm.detail.\(key)", value) }
        return line.finished()
    }

    /// What every line begins with.
    static func start(time: Timestamp, level: Severity, message: String, pid: Int32) -> JSONLine {
        var line = JSONLine()
        line.add("@timestamp", time.rfc3339)
        line.add("log.level", level.rawValue)
        line.add("message", message)
        line.add("ecs.version", version)
        line.add("service.name", serviceName)
        line.add("process.pid", .integer(Int64(pid)))
        return line
    }

    /// `tunnel.rotated tunnel=redis endpoint=127.0.0.1:5011`: for eyes; programs read the fields.
    private static func message(_ event: Event) -> String {
        var text = event.kind
        for (name, value) in [("tunnel", event.tunnel), ("app", event.app), ("identity", event.identity)] {
            if let value { text += " \(name)=\(value)" }
        }
        for (name, value) in event.detail.sorted(by: { $0.key < $1.key }) {
            // The rest would be cut anyway.
            guard text.utf8.count <= JSONLine.maximumStringBytes else { break }
            text += " \(name)=\(value)"
        }
        return text
    }

    /// `alert` is what somebody should look at, `metric` is a measurement, the rest are events.
    private static func kind(_ event: Event) -> String {
        switch event.kind {
        case Event.Kind.performanceRecord: "metric"
        case Event.Kind.decoyTouched, Event.Kind.squatterFound: "alert"
        default: "event"
        }
    }

    /// The schema's categories, by what the event is about.
    private static func category(_ kind: String) -> [String] {
        switch kind.prefix(while: { $0 != "." }) {
        case "handshake", "connect", "certificate", "authority": ["authentication"]
        case "decoy", "squatter": ["intrusion_detection", "network"]
        case "tunnel", "connection", "listener": ["network"]
        case "configuration": ["configuration"]
        case "manager", "dataplane": ["process"]
        default: ["host"]
        }
    }

    /// Higher is worse; the steps of ``Severity`` from 1.
    static func rank(_ severity: Severity) -> Int64 {
        Int64((Severity.allCases.firstIndex(of: severity) ?? 0) + 1)
    }
}

extension Event.Kind {
    /// Lines were lost because the log could not be written; the detail `lost` says how many.
    public static let logGap = "log.gap"
}
