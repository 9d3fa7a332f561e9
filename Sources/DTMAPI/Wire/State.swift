/// `GET /v1/state`: how state is kept.
public struct StateReport: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// `ephemeral` or `sealed`.
    public var mode: String
    /// The generation in force; nil when ephemeral, as all that follows.
    public var generation: UInt64?
    /// RFC 3339.
    public var savedAt: String?
    /// Why the last save failed; nil when it did not.
    public var failure: String?
    /// Whether backups are made.
    public var backups: Bool?
    /// RFC 3339; nil when none was made since the start.
    public var lastBackup: String?
    /// In which respects the configuration protects less than the accepted one.
    public var weakenings: [String]

    public init(
        mode: String, generation: UInt64? = nil, savedAt: String? = nil, failure: String? = nil, backups: Bool? = nil,
        lastBackup: String? = nil, weakenings: [String] = []
    ) {
        self.mode = mode
        self.generation = generation
        self.savedAt = savedAt
        self.failure = failure
        self.backups = backups
        self.lastBackup = lastBackup
        self.weakenings = weakenings
    }
}

/// `POST /v1/state/backup`.
public struct BackupAnswer: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// The name within the folder of backups.
    public var file: String
    public init(file: String) { self.file = file }
}

/// `POST /v1/configuration/accept`.
public struct AcceptanceAnswer: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// What was accepted; empty when there was nothing to accept.
    public var accepted: [String]
    public init(accepted: [String]) { self.accepted = accepted }
}
