import Crypto
import DTMCore
import FoundationEssentials
import SwiftASN1
import X509

/// What the certificates of DTM contain (RFC 5280, section 4.2; X509-SVID, sections 2–4). ``PeerVerifier`` demands the
/// same.
enum Profile {
    /// How long before the present a certificate starts to be valid, so that a peer whose clock is a little behind
    /// accepts it.
    static let backdating: Duration = .seconds(60)

    static func authorityExtensions(trustDomain: String, keyIdentifier: [UInt8]) throws -> Certificate.Extensions {
        try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            Critical(NameConstraints(permittedURIDomains: [trustDomain]))
            SubjectKeyIdentifier(keyIdentifier: keyIdentifier[...])
            AuthorityKeyIdentifier(keyIdentifier: keyIdentifier[...])
        }
    }

    static func leafExtensions(
        identity: SPIFFEID, role: PeerRole, authorityKeyIdentifier: [UInt8]
    ) throws -> Certificate.Extensions {
        let usage = try ExtendedKeyUsage([role.extendedKeyUsage])
        return try Certificate.Extensions {
            // Critical, because the subject is empty (RFC 5280, section 4.2.1.6).
            Critical(SubjectAlternativeNames([.uniformResourceIdentifier(identity.description)]))
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            usage
            AuthorityKeyIdentifier(keyIdentifier: authorityKeyIdentifier[...])
        }
    }

    /// The leftmost 160 bits of the SHA-256 of the public key (RFC 7093, section 2, method 1).
    static func keyIdentifier(of key: P256.Signing.PublicKey) -> [UInt8] {
        Array(SHA256.hash(data: key.x963Representation).prefix(20))
    }

    /// 16 random bytes, positive and of exactly that length.
    static func randomSerial() -> [UInt8] {
        var bytes = randomBytes(16)
        bytes[0] = bytes[0] & 0x7f | 0x40
        return bytes
    }

    /// Not secret ones.
    static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}

extension PeerRole {
    /// A client's certificate never opens a listener, nor the reverse.
    var extendedKeyUsage: ExtendedKeyUsage.Usage {
        switch self {
        case .listener: .serverAuth
        case .client: .clientAuth
        }
    }
}

extension Certificate.Signature {
    /// Whether DER ends with this signature as a whole number of octets. swift-certificates lets pass a bit string that
    /// says some of its last bits are unused, so that one certificate could be written in several ways.
    func isEncodedExactly(atEndOf der: [UInt8]) -> Bool {
        let octets = rawRepresentation
        return der.suffix(octets.count).elementsEqual(octets) && der.dropLast(octets.count).last == 0
    }
}

extension Timestamp {
    /// Certificates count in whole seconds.
    var wholeSeconds: Timestamp { Timestamp(seconds: seconds) }

    var date: Date { Date(timeIntervalSince1970: Double(seconds)) }

    /// Dates beyond 285 years from 1970 are clamped: `GeneralizedTime` reaches further than the nanoseconds do.
    init(clamping date: Date) {
        let seconds = date.timeIntervalSince1970.rounded()
        self.init(seconds: Int64(min(max(seconds, -9_000_000_000), 9_000_000_000)))
    }
}
