/// Totals since the data plane started, and what is open now.
public struct TunnelCounters: Hashable, Sendable {
    public var active: UInt32
    public var total: UInt64
    /// Refused by a rule or a limit, or handshakes without an identity that is accepted.
    public var rejected: UInt64
    /// Accepted by the rules, and then the target could not be reached.
    public var failed: UInt64
    public var bytesIn: UInt64
    public var bytesOut: UInt64
    /// How many of the decoys that are wanted listen now. There are more for a while as some make room for others: that
    /// is not told.
    public var decoys: UInt32

    public init(
        active: UInt32 = 0, total: UInt64 = 0, rejected: UInt64 = 0, failed: UInt64 = 0, bytesIn: UInt64 = 0,
        bytesOut: UInt64 = 0, decoys: UInt32 = 0
    ) {
        self.active = active
        self.total = total
        self.rejected = rejected
        self.failed = failed
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.decoys = decoys
    }
}

/// Something that went wrong or looks wrong, on one tunnel. Rate-limited at its source: `count` says how many it stands
/// for.
public struct Incident: Hashable, Sendable {
    /// What happened. The numbers are part of the plan protocol.
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// A peer without an identity that is accepted, or one that does not speak TLS.
        case handshakeFailed = 1
        /// Somebody came to a listener that is not live.
        case decoyTouched = 2
        /// A valid identity that may not use this tunnel, or that is revoked.
        case identityRefused = 3
        case targetUnreachable = 4
        case targetReachable = 5
        /// The scheduled endpoint is held by another program.
        case endpointTaken = 6
        /// Too many connections.
        case limitReached = 7
        /// No descriptors left; accepting is paused.
        case descriptorsExhausted = 8
        case descriptorsRecovered = 9
        /// The schedule's key for this window has not come.
        case windowKeyMissing = 10
        /// A live connection was cut: its identity or certificate was revoked.
        case connectionCut = 11
    }

    /// Why a peer was not let in. The numbers are part of the plan protocol.
    public enum Cause: UInt8, Sendable, CaseIterable {
        /// TLS, and no certificate.
        case noCertificate = 1
        case notTLS = 2
        /// TLS of a kind that is not spoken here: version, key exchange, cipher or application protocol.
        case incompatible = 3
        /// A certificate of an authority, or an identity of a trust domain, that is not ours.
        case foreign = 4
        case expired = 5
        case notYetValid = 6
        /// The certificate, its number or its identity.
        case revoked = 7
        /// A certificate in order, of a client of another tunnel or of a listener.
        case otherTunnel = 8
        /// A certificate that is none of ours in form.
        case malformed = 9
        /// Of an authority of ours that is not valid at present.
        case retired = 10
        /// A session that was resumed, without a certificate.
        case resumed = 11
        /// No handshake in time.
        case timeout = 12
        /// It went away before it had shown anything.
        case gone = 13
        case other = 14

        /// As events show it.
        public var name: String {
            switch self {
            case .noCertificate: "no_certificate"
            case .notTLS: "not_tls"
            case .incompatible: "incompatible"
            case .foreign: "foreign"
            case .expired: "expired"
            case .notYetValid: "not_yet_valid"
            case .revoked: "revoked"
            case .otherTunnel: "other_tunnel"
            case .malformed: "malformed"
            case .retired: "retired"
            case .resumed: "resumed"
            case .timeout: "timeout"
            case .gone: "gone"
            case .other: "other"
            }
        }
    }

    /// Nil when it is about the whole data plane.
    public var tunnel: TunnelID?
    public var kind: Kind
    public var at: Timestamp
    public var count: UInt32
    /// The peer's endpoint, when there is one.
    public var peer: Endpoint?
    /// Our endpoint.
    public var local: Endpoint?
    public var identity: String?
    /// What happened, in words; no peer text in it.
    public var reason: String
    /// Why a peer was not let in; nil for what is no peer's doing.
    public var cause: Cause?
    /// Whose socket the peer's end is, asked when it was accepted; nil when it is not on this host, or the kernel does not
    /// tell.
    public var owner: SocketOwner?
    /// What the peer had sent by then; nil where that says nothing.
    public var sent: SentBytes?

    public init(
        tunnel: TunnelID?, kind: Kind, at: Timestamp, count: UInt32 = 1, peer: Endpoint? = nil, local: Endpoint? = nil,
        identity: String? = nil, reason: String, cause: Cause? = nil, owner: SocketOwner? = nil, sent: SentBytes? = nil
    ) {
        self.tunnel = tunnel
        self.kind = kind
        self.at = at
        self.count = count
        self.peer = peer
        self.local = local
        self.identity = identity
        self.reason = reason
        self.cause = cause
        self.owner = owner
        self.sent = sent
    }
}
