/// The version that every JSON object of the API and of `--json` carries as `schemaVersion`.
public let apiSchemaVersion = 1

/// The answer to `POST /v1/configuration/reload`.
public struct ReloadAnswer: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// The file that was read; nil when there is none and the defaults are in force.
    public var configuration: String?
    /// One line for each thing that changed.
    public var changes: [String]
    /// One line for each thing that changes only with the next start.
    public var needsRestart: [String]
    public init(configuration: String?, changes: [String], needsRestart: [String]) {
        self.configuration = configuration
        self.changes = changes
        self.needsRestart = needsRestart
    }
}

/// The body of every answer that is not a success.
public struct APIErrorBody: Codable, Hashable, Sendable {
    /// What went wrong, for programs and for people.
    public struct Content: Codable, Hashable, Sendable {
        /// A stable, dotted name, as `tunnel.unknown`.
        public var code: String
        public var message: String
        public var hint: String?
        public init(code: String, message: String, hint: String?) {
            self.code = code
            self.message = message
            self.hint = hint
        }
    }
    public var schemaVersion = apiSchemaVersion
    public var error: Content
    public init(code: String, message: String, hint: String? = nil) {
        error = Content(code: code, message: message, hint: hint)
    }
}
