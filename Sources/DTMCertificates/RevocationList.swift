public import DTMCore

/// What is revoked: certificates by serial number, and identities.
///
/// It stays small by itself: the serial number of a certificate that has expired is forgotten, because the certificate
/// is refused anyway. An identity stays until its time, if it has one, or until it is lifted.
public struct RevocationList: Hashable, Sendable {
    private var serialExpiry: [SerialNumber: Timestamp] = [:]
    private var identityExpiry: [String: Timestamp?] = [:]

    /// The most serial numbers, and the most identities, that a list holds.
    public static let maximumEntries = 4_096

    /// An empty list.
    public init() {}

    /// A list that was kept.
    ///
    /// - Throws: ``CertificatesError`` of code `revocationsFull`.
    public init(_ record: RevocationRecord) throws(CertificatesError) {
        guard record.serials.count <= Self.maximumEntries, record.identities.count <= Self.maximumEntries else {
            throw Self.full
        }
        serialExpiry = Dictionary(record.serials.map { ($0.serial, $0.notAfter) }) { max($0, $1) }
        identityExpiry = record.identities
    }

    /// Everything that another process needs to go on.
    public var record: RevocationRecord {
        RevocationRecord(
            serials: serials.map { .init(serial: $0, notAfter: serialExpiry[$0] ?? Timestamp(nanoseconds: .max)) },
            identities: identityExpiry)
    }

    /// Revokes one certificate.
    ///
    /// - Parameter notAfter: When it expires. Where that is unknown: the present and a leaf's lifetime.
    /// - Throws: ``CertificatesError`` of code `revocationsFull`; what is on the list stays.
    public mutating func revoke(_ serial: SerialNumber, notAfter: Timestamp, now: Timestamp) throws(CertificatesError) {
        prune(now: now)
        guard serialExpiry[serial] != nil || serialExpiry.count < Self.maximumEntries else { throw Self.full }
        serialExpiry[serial] = max(serialExpiry[serial] ?? notAfter, notAfter)
    }

    /// Revokes an identity: every certificate that names it, now and later.
    ///
    /// - Parameter until: When the revocation ends by itself; nil: when ``lift(_:)`` says so.
    /// - Throws: ``CertificatesError`` of code `revocationsFull`; what is on the list stays.
    public mutating func revoke(
        _ identity: SPIFFEID, until: Timestamp? = nil, now: Timestamp
    ) throws(CertificatesError) {
        prune(now: now)
        let text = identity.description
        guard identityExpiry[text] != nil || identityExpiry.count < Self.maximumEntries else { throw Self.full }
        identityExpiry[text] = .some(until)
    }

    /// Ends the revocation of an identity. Certificates revoked by serial number stay so.
    /// - Returns: Whether it was revoked.
    @discardableResult
    public mutating func lift(_ identity: SPIFFEID) -> Bool {
        identityExpiry.removeValue(forKey: identity.description) != nil
    }

    /// Forgets what has no effect any more.
    public mutating func prune(now: Timestamp) {
        serialExpiry = serialExpiry.filter { now <= $0.value }
        identityExpiry = identityExpiry.filter { entry in entry.value.map { now <= $0 } ?? true }
    }

    /// Whether the certificate of this serial number is revoked.
    public func contains(_ serial: SerialNumber) -> Bool { serialExpiry[serial] != nil }
    /// Whether this identity is revoked.
    public func contains(_ identity: SPIFFEID) -> Bool { identityExpiry[identity.description] != nil }
    /// Whether nothing is revoked.
    public var isEmpty: Bool { serialExpiry.isEmpty && identityExpiry.isEmpty }

    /// In ascending order, so that equal lists make equal plans.
    public var serials: [SerialNumber] {
        serialExpiry.keys.sorted { left, right in
            left.bytes.count == right.bytes.count
                ? left.bytes.lexicographicallyPrecedes(right.bytes) : left.bytes.count < right.bytes.count
        }
    }

    /// SPIFFE IDs, whole, in ascending order.
    public var identities: [String] { identityExpiry.keys.sorted() }

    private static let full = CertificatesError(
        .revocationsFull, "the revocation list holds \(maximumEntries) entries, which is the most",
        hint: "void all certificates at once by replacing the authority: dtm certs rotate --authority")
}
