/// `POST /v1/auto-tunnel`: switches it until the manager ends, whatever the configuration says. Also the answer.
public struct AutoTunnelState: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// Whether listeners that its policy admits get tunnels of their own accord. Tunnels that stand stay when it is off.
    public var enabled: Bool

    public init(enabled: Bool) { self.enabled = enabled }
}
