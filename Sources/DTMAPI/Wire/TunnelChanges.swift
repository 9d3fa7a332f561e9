/// `POST /v1/tunnels`, `dtm protect`. What is nil comes from the configuration.
public struct ProtectRequest: Codable, Hashable, Sendable {
    /// A PID, `host:port`, `unix:/path` or an application's name.
    public var subject: String
    public var name: String?
    public var intervalSeconds: Double?
    public var overlapSeconds: Double?
    /// The lowest and the highest port.
    public var portRange: [UInt16]?
    public var allow: [String]?
    public var proxyProtocol: Bool?

    public init(
        subject: String, name: String? = nil, intervalSeconds: Double? = nil, overlapSeconds: Double? = nil,
        portRange: [UInt16]? = nil, allow: [String]? = nil, proxyProtocol: Bool? = nil
    ) {
        self.subject = subject
        self.name = name
        self.intervalSeconds = intervalSeconds
        self.overlapSeconds = overlapSeconds
        self.portRange = portRange
        self.allow = allow
        self.proxyProtocol = proxyProtocol
    }
}

/// The answer to `POST /v1/tunnels`: sent when the first endpoint accepts.
public struct ProtectAnswer: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    public var tunnel: TunnelReport
    /// What the user should know, as that the direct port is still open.
    public var notes: [String]
    public init(tunnel: TunnelReport, notes: [String]) {
        self.tunnel = tunnel
        self.notes = notes
    }
}

/// The answer to `POST /v1/tunnels/NAME/rotate` (one) and `POST /v1/rotate` (all): sent when the new endpoints accept.
public struct RotateAnswer: Codable, Hashable, Sendable {
    /// What came of the rotation of one tunnel.
    public struct Rotation: Codable, Hashable, Sendable {
        public var tunnel: String
        public var endpoint: EndpointReport?
        public var epoch: UInt64
        public var generation: UInt32
        /// Nil when it rotated; otherwise why it did not.
        public var failure: String?
        public init(tunnel: String, endpoint: EndpointReport?, epoch: UInt64, generation: UInt32, failure: String?) {
            self.tunnel = tunnel
            self.endpoint = endpoint
            self.epoch = epoch
            self.generation = generation
            self.failure = failure
        }
    }
    public var schemaVersion = apiSchemaVersion
    public var rotations: [Rotation]
    public init(rotations: [Rotation]) { self.rotations = rotations }
}
