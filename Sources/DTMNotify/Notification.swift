public import DTMCore
import FoundationEssentials

/// What a receiver is told: one finding, or one step of a response. One JSON object.
public struct Notification: Hashable, Sendable {
    /// The same for every receiver and every attempt, so that whoever gets it twice can tell.
    public let id: String
    /// As `finding.raised`: the kind of the event that it is about, or ``testType``.
    public let type: String
    public let time: Timestamp
    public let severity: Severity
    /// Of a finding.
    public let risk: Int?
    /// One sentence.
    public let title: String
    public let tunnel: String?
    public let app: String?
    public let identity: String?
    public let detail: [String: DetailValue]

    /// What `dtm respond test-notify` sends.
    public static let testType = "notification.test"
    /// The most bytes of ``body``.
    public static let maximumBytes = 32_768
    private static let maximumTextBytes = 1_024
    private static let maximumElements = 32

    /// The kinds of events that somebody is told of. Those about notifications themselves are none of them.
    public static let types: Set<String> = [
        Event.Kind.findingRaised, Event.Kind.responseNotified, Event.Kind.responseProposed,
        Event.Kind.responseApproved, Event.Kind.responseDismissed, Event.Kind.responsePerformed,
        Event.Kind.responseUndone, Event.Kind.responseWithdrawn, Event.Kind.responseWithheld,
        Event.Kind.responseFailed, Event.Kind.responsesStopped, Event.Kind.responsesResumed,
    ]

    /// - Parameter id: Of visible ASCII characters without a full stop.
    /// - Returns: Nil for an event that nobody is told of.
    public init?(_ event: Event, id: String) {
        guard Self.types.contains(event.kind) else { return nil }
        self.id = id
        type = event.kind
        time = event.time
        severity = event.severity
        if case .integer(let risk)? = event.detail["risk"] { self.risk = Int(clamping: risk) } else { risk = nil }
        title = Self.title(of: event)
        tunnel = event.tunnel
        app = event.app
        identity = event.identity
        detail = event.detail.mapValues(Self.bounded)
    }

    /// A notification that says only that notifications arrive.
    public init(testAt time: Timestamp, id: String) {
        self.id = id
        type = Self.testType
        self.time = time
        severity = .notice
        title = "a test: this receiver is told of findings and responses"
        (risk, tunnel, app, identity, detail) = (nil, nil, nil, nil, [:])
    }

    private static func title(of event: Event) -> String {
        func text(_ name: String) -> String? { event.detail[name].map { shortened($0.description) } }
        if let title = text("title") { return title }
        let step = event.kind.split(separator: ".").last.map(String.init) ?? event.kind
        guard let subject = text("subject") else { return "responses are \(step)" }
        guard let rung = text("rung") else { return "\(subject): \(text("reason") ?? step)" }
        return "\(rung) for \(subject) \(step)"
    }

    private static func bounded(_ value: DetailValue) -> DetailValue {
        switch value {
        case .string(let text): .string(shortened(text))
        case .list(let texts): .list(texts.prefix(maximumElements).map(shortened))
        case .integer, .double, .boolean: value
        }
    }

    private static func shortened(_ text: String) -> String {
        text.utf8.count <= maximumTextBytes
            ? text : String(decoding: text.utf8.prefix(maximumTextBytes), as: UTF8.self) + "…"
    }

    /// The JSON object, in one line, at most ``maximumBytes``: where the detail does not fit, it is left out.
    public func body() throws -> [UInt8] {
        let whole = try Self.encode(Wire(self, detail: detail))
        return whole.count <= Self.maximumBytes ? whole : try Self.encode(Wire(self, detail: nil))
    }

    private static func encode(_ wire: Wire) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(wire))
    }

    private struct Wire: Encodable {
        var schemaVersion = 1
        var id: String
        var type: String
        var time: String
        var severity: Severity
        var risk: Int?
        var title: String
        var tunnel: String?
        var app: String?
        var identity: String?
        var detail: [String: DetailValue]?

        init(_ notification: Notification, detail: [String: DetailValue]?) {
            id = notification.id
            type = notification.type
            time = notification.time.rfc3339
            severity = notification.severity
            risk = notification.risk
            title = notification.title
            tunnel = notification.tunnel
            app = notification.app
            identity = notification.identity
            self.detail = detail
        }
    }
}
