/// `POST /v1/analysis`: switches it until the manager ends, whatever the configuration says. Also the answer.
public struct AnalysisState: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    public var enabled: Bool
    /// Whether this manager has an analyst at all; without one, being on has no effect.
    public var available: Bool?

    public init(enabled: Bool, available: Bool? = nil) {
        self.enabled = enabled
        self.available = available
    }
}
