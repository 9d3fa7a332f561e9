public import DTMCore

/// Who the other end of a handshake must be.
public enum PeerExpectation: Hashable, Sendable {
    /// Any client of this tunnel whose certificate is in order.
    case client(of: TunnelID)
    /// The listener with exactly this SPIFFE ID.
    case listener(SPIFFEID)
}

/// A peer whose certificate is in order.
public struct AuthenticatedPeer: Hashable, Sendable {
    public var identity: SPIFFEID
    public var serial: SerialNumber

    public init(identity: SPIFFEID, serial: SerialNumber) {
        self.identity = identity
        self.serial = serial
    }
}

/// Why a peer's certificate was not accepted.
public struct PeerRefusal: Error, Hashable, Sendable {
    /// A stable, short name, as `expired`.
    public var code: String
    public var message: String
    /// Whether the certificate is in order, and its identity or number alone is what is refused: revoked, or of another
    /// tunnel.
    public var concernsIdentity: Bool
    /// The same for incidents.
    public var cause: Incident.Cause

    public init(
        code: String, message: String, concernsIdentity: Bool = false, cause: Incident.Cause = .malformed
    ) {
        self.code = code
        self.message = message
        self.concernsIdentity = concernsIdentity
        self.cause = cause
    }
}

/// Judges the certificates that a peer shows. Called on event loops, in the middle of a handshake: it must not block.
public protocol PeerAuthenticator: Sendable {
    /// Judges a chain of DER certificates, the leaf first, at this moment.
    func authenticate(chain: [[UInt8]], expecting: PeerExpectation) -> Result<AuthenticatedPeer, PeerRefusal>
}

/// Signs handshakes with a leaf key that stays where it is. Called on event loops: it must not block.
public protocol HandshakeSigner: Sendable {
    /// An ECDSA P-256 signature over the SHA-256 of `message`, DER (RFC 8446, section 4.2.3).
    func signature(over message: [UInt8]) throws -> [UInt8]
}

/// A certificate chain and the key that belongs to it.
public struct TunnelCredential: Sendable {
    /// DER, the leaf first.
    public var chain: [[UInt8]]
    public var signer: any HandshakeSigner

    public init(chain: [[UInt8]], signer: any HandshakeSigner) {
        self.chain = chain
        self.signer = signer
    }
}
