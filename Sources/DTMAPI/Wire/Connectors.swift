public import DTMCore

/// `POST /v1/tunnels/NAME/identity`: a connector asks to be let in.
public struct IdentityRequest: Codable, Hashable, Sendable {
    /// PKCS#10, DER, base64. The key stays with the asker.
    public var certificateRequest: String
    /// 16 hexadecimal digits that the connector chose at its start: a renewal carries the same.
    public var connector: String
    public init(certificateRequest: String, connector: String) {
        self.certificateRequest = certificateRequest
        self.connector = connector
    }
}

/// What a connector needs besides its window keys, which come by `GET /v1/tunnels/NAME/windows` as raw bytes.
public struct IdentityAnswer: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    public var tunnel: String
    /// 32 hexadecimal digits.
    public var tunnelID: String
    public var identity: String
    /// DER, base64, the leaf first.
    public var certificateChain: [String]
    /// RFC 3339, steady time.
    public var notAfter: String
    /// When to ask for the next one; RFC 3339, steady time.
    public var renewAt: String
    /// The rule that let the caller in.
    public var reason: String
    public var follow: FollowState

    public init(
        tunnel: String, tunnelID: String, identity: String, certificateChain: [String], notAfter: String,
        renewAt: String,
        reason: String, follow: FollowState
    ) {
        self.tunnel = tunnel
        self.tunnelID = tunnelID
        self.identity = identity
        self.certificateChain = certificateChain
        self.notAfter = notAfter
        self.renewAt = renewAt
        self.reason = reason
        self.follow = follow
    }
}

/// What changes under a connector's feet: one object of `GET /v1/tunnels/NAME/follow` (server-sent events, `event:
/// state`).
public struct FollowState: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// 32 hexadecimal digits; another one means another tunnel under the same name: start again.
    public var tunnelID: String
    /// The SPIFFE ID that the server must show.
    public var serverIdentity: String
    public var trustDomain: String
    /// DER, base64.
    public var trustBundle: [String]
    /// The anchor of steady time: see ``ClockAnchor``.
    public var clockOffsetNanoseconds: Int64
    public var intervalMilliseconds: UInt32
    public var lowestPort: UInt16
    public var highestPort: UInt16
    public var skippedPorts: [UInt16]
    public var addressMode: AddressMode
    public var epoch: UInt64
    public var generation: UInt32
    /// The live endpoint; nil until there is one.
    public var endpoint: EndpointReport?
    /// Rises when window keys must be fetched anew because the root was replaced.
    public var keyGeneration: UInt64

    public init(
        tunnelID: String, serverIdentity: String, trustDomain: String, trustBundle: [String],
        clockOffsetNanoseconds: Int64,
        intervalMilliseconds: UInt32, lowestPort: UInt16, highestPort: UInt16, skippedPorts: [UInt16],
        addressMode: AddressMode, epoch: UInt64, generation: UInt32, endpoint: EndpointReport?, keyGeneration: UInt64
    ) {
        self.tunnelID = tunnelID
        self.serverIdentity = serverIdentity
        self.trustDomain = trustDomain
        self.trustBundle = trustBundle
        self.clockOffsetNanoseconds = clockOffsetNanoseconds
        self.intervalMilliseconds = intervalMilliseconds
        self.lowestPort = lowestPort
        self.highestPort = highestPort
        self.skippedPorts = skippedPorts
        self.addressMode = addressMode
        self.epoch = epoch
        self.generation = generation
        self.endpoint = endpoint
        self.keyGeneration = keyGeneration
    }
}

/// `POST /v1/tunnels/NAME/reports`: a connector tells what it met, as a squatter on an endpoint.
public struct ConnectorReport: Codable, Hashable, Sendable {
    /// `squatter`: something else answered where the tunnel should be.
    public var kind: String
    public var endpoint: EndpointReport
    /// One of the connector's own short texts.
    public var reason: String
    public init(kind: String, endpoint: EndpointReport, reason: String) {
        self.kind = kind
        self.endpoint = endpoint
        self.reason = reason
    }
}
