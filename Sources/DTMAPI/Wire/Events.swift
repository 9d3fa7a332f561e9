public import DTMCore

/// One line of `GET /v1/events` and `dtm events --json`.
public struct EventReport: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// Counts up within one control process; `Last-Event-ID` resumes after it.
    public var id: UInt64
    /// RFC 3339.
    public var time: String
    public var kind: String
    public var severity: Severity
    public var tunnel: String?
    public var app: String?
    public var identity: String?
    public var detail: [String: DetailValue]

    public init(
        id: UInt64, time: String, kind: String, severity: Severity, tunnel: String?, app: String?, identity: String?,
        detail: [String: DetailValue]
    ) {
        self.id = id
        self.time = time
        self.kind = kind
        self.severity = severity
        self.tunnel = tunnel
        self.app = app
        self.identity = identity
        self.detail = detail
    }

    public init(id: UInt64, _ event: Event) {
        self.init(
            id: id, time: event.time.rfc3339, kind: event.kind, severity: event.severity, tunnel: event.tunnel,
            app: event.app,
            identity: event.identity, detail: event.detail)
    }
}
