import Crypto
public import DTMCore

/// A peer whose certificate was accepted.
public struct VerifiedPeer: Hashable, Sendable {
    /// Who it is.
    public let identity: SPIFFEID
    /// Which end of a tunnel it is.
    public let role: PeerRole
    /// The tunnel that the identity names.
    public let tunnel: TunnelID
    /// Of the certificate.
    public let serial: SerialNumber
    /// When the certificate expires; a connection may be older.
    public let notAfter: Timestamp
}

/// Decides whether the certificate of a peer is accepted.
///
/// It is synchronous, because the data plane's event loops have no tasks, and it takes the time as a parameter, because
/// validity runs on the steady clock: BoringSSL's own check would use the wall clock. It demands the whole profile with
/// which ``Authority`` issues, which is stricter than RFC 5280.
///
/// Construct one for each trust bundle; ``revoking(serials:identities:)`` makes one with other revocations that keeps
/// what was learnt. Safe to use on several threads at once.
public struct PeerVerifier: Sendable {
    /// The most certificates of a chain. All but the first are ignored: issuers are taken from the trust bundle alone.
    public static let maximumChainCount = 4
    /// The most bytes of a chain in DER.
    public static let maximumChainBytes = 16_384
    /// The most authorities of a trust bundle.
    public static let maximumAuthorities = 8

    let trustDomain: String
    let anchors: [TrustAnchor]
    let maximumLifetime: Duration
    let skew: Duration
    let cache: VerificationCache
    private let revokedSerials: Set<SerialNumber>
    private let revokedIdentities: Set<String>

    /// - Parameters:
    ///   - trustBundle: The certificates of the authorities, DER.
    ///   - trustDomain: The one that identities must be of, and to which each authority must be constrained.
    ///   - revokedIdentities: SPIFFE IDs, whole.
    ///   - maximumLifetime: The longest validity that is accepted, from issue to expiry; backdating comes on top.
    ///   - skew: How far this clock may be behind the issuer's. Nothing is granted at the end of validity.
    /// - Throws: ``CertificatesError`` of code `trustBundle`.
    public init(
        trustBundle: [[UInt8]], trustDomain: String, revokedSerials: some Sequence<SerialNumber> = [],
        revokedIdentities: some Sequence<String> = [],
        maximumLifetime: Duration = AuthorityPolicy.defaults.leafLifetime, skew: Duration = .seconds(5)
    ) throws(CertificatesError) {
        guard (1...Self.maximumAuthorities).contains(trustBundle.count) else {
            throw CertificatesError(
                .trustBundle,
                "a trust bundle has \(trustBundle.count) authorities; allowed are 1 to \(Self.maximumAuthorities)")
        }
        anchors = trustBundle.compactMap { TrustAnchor(der: $0, trustDomain: trustDomain) }
        guard anchors.count == trustBundle.count else {
            throw CertificatesError(
                .trustBundle, "a trust bundle holds a certificate that is not of an authority of its trust domain")
        }
        self.trustDomain = trustDomain
        self.maximumLifetime = maximumLifetime
        self.skew = skew
        self.revokedSerials = Set(revokedSerials)
        self.revokedIdentities = Set(revokedIdentities)
        cache = VerificationCache()
    }

    private init(_ other: Self, serials: Set<SerialNumber>, identities: Set<String>) {
        trustDomain = other.trustDomain
        anchors = other.anchors
        maximumLifetime = other.maximumLifetime
        skew = other.skew
        cache = other.cache
        revokedSerials = serials
        revokedIdentities = identities
    }

    /// The same trust with other revocations.
    public func revoking(
        serials: some Sequence<SerialNumber>, identities: some Sequence<String>
    ) -> Self {
        Self(self, serials: Set(serials), identities: Set(identities))
    }

    /// Decides on the chain that a peer showed in a handshake.
    ///
    /// The TLS library has to have checked that the peer holds the leaf's key; this does not.
    ///
    /// - Parameters:
    ///   - chain: DER, the leaf first, as the peer sent it.
    ///   - now: Steady time.
    public func verify(
        chain: [[UInt8]], expecting expected: ExpectedPeer, now: Timestamp
    ) -> Result<VerifiedPeer, VerificationError> {
        Result { () throws(VerificationError) -> VerifiedPeer in
            let leaf = try vet(chain)
            guard anchors[leaf.anchor].isValid(at: now, skew: skew) else { throw VerificationError(.authorityNotValid) }
            guard now + skew >= leaf.notBefore else { throw VerificationError(.notYetValid) }
            guard now <= leaf.notAfter else { throw VerificationError(.expired) }
            try checkRevocation(serial: leaf.serial, identity: leaf.identityText)
            try check(leaf, is: expected)
            return VerifiedPeer(
                identity: leaf.identity, role: leaf.role, tunnel: leaf.tunnel, serial: leaf.serial,
                notAfter: leaf.notAfter)
        }
    }

    /// Whether a peer that was accepted before is revoked now: what decides which live connections are cut.
    public func revocation(of peer: VerifiedPeer) -> VerificationError? {
        do {
            try checkRevocation(serial: peer.serial, identity: peer.identity.description)
            return nil
        } catch {
            return error
        }
    }

    private func vet(_ chain: [[UInt8]]) throws(VerificationError) -> VettedLeaf {
        guard let der = chain.first else { throw VerificationError(.noCertificate) }
        guard chain.count <= Self.maximumChainCount,
            chain.reduce(0, { $0 + $1.count }) <= Self.maximumChainBytes
        else { throw VerificationError(.tooLong) }
        let digest = SHA256.hash(of: der)
        if let known = cache[digest] { return known }
        let leaf = try vet(der: der)
        cache.insert(leaf, for: digest)
        return leaf
    }

    private func checkRevocation(serial: SerialNumber, identity: String) throws(VerificationError) {
        if revokedSerials.contains(serial) { throw VerificationError(.revoked) }
        if revokedIdentities.contains(identity) { throw VerificationError(.identityRevoked) }
    }

    private func check(_ leaf: VettedLeaf, is expected: ExpectedPeer) throws(VerificationError) {
        switch expected {
        case .client(let tunnel):
            guard leaf.role == .client else { throw VerificationError(.wrongRole) }
            guard leaf.tunnel == tunnel else { throw VerificationError(.wrongTunnel) }
        case .listener(let identity):
            guard leaf.role == .listener else { throw VerificationError(.wrongRole) }
            guard leaf.identity == identity else { throw VerificationError(.wrongListener) }
        }
    }
}
