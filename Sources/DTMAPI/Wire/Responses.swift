/// `GET /v1/responses`, `dtm respond list --json`.
public struct ResponseList: Codable, Hashable, Sendable {
    /// One response: in force, waiting, or over.
    public struct Entry: Codable, Hashable, Sendable {
        /// As `r17`.
        public var id: String
        /// `rotate`, `raise-decoys`, `throttle`, `quarantine`, `revoke` or `stop-application`.
        public var rung: String
        /// Whom it is aimed at, as `identity:spiffe://…` or `program:uid 1001 /usr/bin/nmap`.
        public var subject: String
        public var tunnel: String?
        public var reason: String
        /// When it was proposed or ordered, RFC 3339.
        public var since: String
        /// When it ends by itself, RFC 3339; nil for what is done once, and for what is over.
        public var expires: String?
        /// `proposed`, `applying`, `active` or `undoing`; for what is over why: `done`, `expired`, `undone`, `stopped`,
        /// `made-room`, `failed`, `dismissed`, `lapsed` or `interrupted`.
        public var state: String
        /// RFC 3339.
        public var endedAt: String?
        public init(
            id: String, rung: String, subject: String, tunnel: String?, reason: String, since: String,
            expires: String?, state: String, endedAt: String?
        ) {
            self.id = id
            self.rung = rung
            self.subject = subject
            self.tunnel = tunnel
            self.reason = reason
            self.since = since
            self.expires = expires
            self.state = state
            self.endedAt = endedAt
        }
    }
    public var schemaVersion = apiSchemaVersion
    /// `observe`, `guard` or `protect`.
    public var mode: String
    /// Whether nothing acts until it is resumed.
    public var stopped: Bool
    /// The oldest first.
    public var active: [Entry]
    /// What waits for a person, the oldest first.
    public var pending: [Entry]
    /// What is over, the newest first.
    public var past: [Entry]
    /// How many that wait or are in force are left out, as in ``LiveUpdate``; nil for none.
    public var omitted: Int?

    public init(mode: String, stopped: Bool, active: [Entry], pending: [Entry], past: [Entry]) {
        self.mode = mode
        self.stopped = stopped
        self.active = active
        self.pending = pending
        self.past = past
    }
}
