/// `GET /v1/notifications`: who is told of findings and responses.
public struct NotificationList: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// In the order of the configuration.
    public var receivers: [NotificationReport]
    public init(receivers: [NotificationReport]) { self.receivers = receivers }
}

/// One receiver of notifications, since control was started.
public struct NotificationReport: Codable, Hashable, Sendable {
    public var name: String
    /// `webhook` or `command`.
    public var kind: String
    /// The URL without its path, or the program.
    public var place: String
    public var delivered: UInt64
    /// Given up.
    public var failed: UInt64
    /// The oldest of a queue that was full.
    public var dropped: UInt64
    public var waiting: Int
    /// Why the last attempt did not go well; nil when it did.
    public var problem: String?
    public init(
        name: String, kind: String, place: String, delivered: UInt64, failed: UInt64, dropped: UInt64, waiting: Int,
        problem: String?
    ) {
        self.name = name
        self.kind = kind
        self.place = place
        self.delivered = delivered
        self.failed = failed
        self.dropped = dropped
        self.waiting = waiting
        self.problem = problem
    }
}

/// `POST /v1/notifications/test`: what became of a test.
public struct NotificationTest: Codable, Hashable, Sendable {
    /// One receiver.
    public struct Result: Codable, Hashable, Sendable {
        public var name: String
        /// `webhook` or `command`.
        public var kind: String
        /// The URL without its path, or the program.
        public var place: String
        public var delivered: Bool
        /// Why not; nil when it was.
        public var problem: String?
        public init(name: String, kind: String, place: String, delivered: Bool, problem: String?) {
            self.name = name
            self.kind = kind
            self.place = place
            self.delivered = delivered
            self.problem = problem
        }
    }
    public var schemaVersion = apiSchemaVersion
    /// In the order of the configuration; empty when nobody is told.
    public var results: [Result]
    public init(results: [Result]) { self.results = results }
}
