public import DTMCore
public import DTMSecrets
import FoundationEssentials
import SwiftASN1
import X509

/// What has to be kept of an authority so that another process can go on with it.
public struct AuthorityRecord: Sendable {
    public var certificateDER: [UInt8]
    /// The private key: a P-256 scalar, 32 bytes, most significant first.
    public var key: SharedSecret
    /// For one that waits for its turn: when that is.
    public var issuesFrom: Timestamp?

    public init(certificateDER: [UInt8], key: SharedSecret, issuesFrom: Timestamp? = nil) {
        self.certificateDER = certificateDER
        self.key = key
        self.issuesFrom = issuesFrom
    }
}

/// What has to be kept of all authorities.
public struct AuthoritySetRecord: Sendable {
    public var trustDomain: String
    public var issuing: AuthorityRecord
    public var successor: AuthorityRecord?
    public var retiring: [AuthoritySet.Retired]

    public init(
        trustDomain: String, issuing: AuthorityRecord, successor: AuthorityRecord?, retiring: [AuthoritySet.Retired]
    ) {
        self.trustDomain = trustDomain
        self.issuing = issuing
        self.successor = successor
        self.retiring = retiring
    }
}

extension Authority {
    /// The key is held together with whoever keeps the record, not copied.
    func record(issuesFrom: Timestamp? = nil) -> AuthorityRecord {
        AuthorityRecord(certificateDER: certificateDER, key: key.scalar, issuesFrom: issuesFrom)
    }

    /// An authority that was kept.
    ///
    /// - Throws: ``CertificatesError`` of code `encoding` when the certificate is none of an authority of the trust
    ///   domain, `key` when the key is not the certificate's.
    convenience init(_ record: AuthorityRecord, trustDomain: String) throws(CertificatesError) {
        let key = try SigningKey(scalar: record.key)
        let certificate: Certificate
        let serial: SerialNumber?
        do {
            certificate = try Certificate(derEncoded: record.certificateDER)
            serial = SerialNumber(bytes: certificate.serialNumber.bytes)
        } catch {
            throw CertificatesError(.encoding, "the certificate of a kept authority can't be read", cause: error)
        }
        guard let serial, certificate.publicKey == key.publicKey else {
            throw CertificatesError(.key, "the key of a kept authority is not its certificate's")
        }
        self.init(
            trustDomain: trustDomain, certificate: certificate, der: record.certificateDER, serial: serial, key: key)
    }
}

extension AuthoritySet {
    /// Everything that another process needs to go on.
    public func record() -> AuthoritySetRecord {
        AuthoritySetRecord(
            trustDomain: trustDomain, issuing: issuing.record(),
            successor: successor?.authority.record(issuesFrom: successor?.issuesFrom), retiring: retiring)
    }

    /// Goes on with authorities that were kept. What became due meanwhile, ``advance(now:)`` does.
    public init(restoring record: AuthoritySetRecord, policy: AuthorityPolicy) throws(CertificatesError) {
        var successor: Successor?
        if let next = record.successor {
            successor = Successor(
                authority: try Authority(next, trustDomain: record.trustDomain),
                issuesFrom: next.issuesFrom ?? Timestamp(nanoseconds: 0))
        }
        self.init(
            policy: policy, trustDomain: record.trustDomain,
            issuing: try Authority(record.issuing, trustDomain: record.trustDomain), successor: successor,
            retiring: record.retiring)
    }
}

extension AuthoritySet.Retired {
    /// One that was kept.
    ///
    /// - Throws: ``CertificatesError`` of code `encoding` when the certificate can't be read.
    public init(certificateDER: [UInt8], droppedAt: Timestamp) throws(CertificatesError) {
        do {
            let certificate = try Certificate(derEncoded: certificateDER)
            guard let serial = SerialNumber(bytes: certificate.serialNumber.bytes) else {
                throw CertificatesError(.encoding, "a kept certificate has no serial number")
            }
            self.init(
                serial: serial, certificateDER: certificateDER,
                notBefore: Timestamp(clamping: certificate.notValidBefore),
                notAfter: Timestamp(clamping: certificate.notValidAfter), droppedAt: droppedAt)
        } catch let error as CertificatesError {
            throw error
        } catch {
            throw CertificatesError(.encoding, "the certificate of a retired authority can't be read", cause: error)
        }
    }
}

/// What is revoked, as it is kept.
public struct RevocationRecord: Hashable, Sendable {
    /// A certificate, and when it expires.
    public struct Serial: Hashable, Sendable {
        public var serial: SerialNumber
        public var notAfter: Timestamp

        public init(serial: SerialNumber, notAfter: Timestamp) {
            self.serial = serial
            self.notAfter = notAfter
        }
    }

    public var serials: [Serial]
    /// SPIFFE IDs, whole; those without a time stay until they are lifted.
    public var identities: [String: Timestamp?]

    public init(serials: [Serial] = [], identities: [String: Timestamp?] = [:]) {
        self.serials = serials
        self.identities = identities
    }
}
