public import DTMCore

/// What was issued and has not expired: the source of `dtm certs list`, and of what a revocation by identity or serial
/// number hits.
public struct CertificateLedger: Hashable, Sendable {
    /// The names in the API.
    public enum Role: String, Hashable, Sendable, CaseIterable {
        case authority, listener, probe, client
    }

    /// Of an entry, at a moment.
    public enum Status: String, Hashable, Sendable, CaseIterable {
        case valid, expired, revoked
    }

    /// One certificate that was issued.
    public struct Entry: Hashable, Sendable {
        /// What a revocation may name.
        public let serial: SerialNumber
        /// Whom it certifies.
        public let identity: SPIFFEID
        /// Which kind of key holder it is for.
        public let role: Role
        /// The tunnel that the identity names.
        public let tunnel: TunnelID
        /// The beginning of its validity.
        public let notBefore: Timestamp
        /// The last moment of its validity.
        public let notAfter: Timestamp

        /// - Parameter isProbe: Whether the client is the data plane's own.
        public init(_ leaf: IssuedLeaf, isProbe: Bool = false) {
            serial = leaf.serial
            identity = leaf.identity
            role = leaf.role == .listener ? .listener : isProbe ? .probe : .client
            tunnel = leaf.tunnel
            notBefore = leaf.notBefore
            notAfter = leaf.notAfter
        }
    }

    /// The most entries; the oldest makes room.
    public static let maximumEntries = 4_096

    /// The oldest first.
    public private(set) var entries: [Entry] = []

    /// An empty ledger.
    public init() {}

    /// Adds one; the oldest makes room when it is full.
    public mutating func record(_ entry: Entry, now: Timestamp) {
        if entries.count >= Self.maximumEntries { prune(now: now) }
        if entries.count >= Self.maximumEntries { entries.removeFirst(entries.count - Self.maximumEntries + 1) }
        entries.append(entry)
    }

    /// Forgets what has expired.
    public mutating func prune(now: Timestamp) { entries.removeAll { now > $0.notAfter } }

    /// The certificate of this serial number, if it was issued here and is remembered.
    public func entry(_ serial: SerialNumber) -> Entry? { entries.last { $0.serial == serial } }
    /// All certificates of an identity, the oldest first.
    public func entries(of identity: SPIFFEID) -> [Entry] { entries.filter { $0.identity == identity } }

    /// Revocation counts for more than expiry.
    public static func status(of entry: Entry, revocations: RevocationList, now: Timestamp) -> Status {
        if revocations.contains(entry.serial) || revocations.contains(entry.identity) { return .revoked }
        return now > entry.notAfter ? .expired : .valid
    }
}
