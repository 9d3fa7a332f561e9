import Crypto
import DTMCore
import FoundationEssentials
import SwiftASN1
import X509

/// An authority of the trust bundle, read once.
struct TrustAnchor: Sendable {
    let subject: DistinguishedName
    let keyIdentifier: ArraySlice<UInt8>
    let publicKey: Certificate.PublicKey
    let notBefore: Timestamp
    let notAfter: Timestamp

    /// Reads a certificate in DER; nil unless it is that of an authority of the trust domain, as ``Authority`` makes
    /// them.
    init?(der: [UInt8], trustDomain: String) {
        guard let certificate = try? Certificate(derEncoded: der), certificate.version == .v3,
            certificate.issuer == certificate.subject, P256.Signing.PublicKey(certificate.publicKey) != nil,
            certificate.signatureAlgorithm == .ecdsaWithSHA256,
            certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
        else { return nil }
        let extensions = certificate.extensions
        guard let keyIdentifier = try? extensions.subjectKeyIdentifier?.keyIdentifier, !keyIdentifier.isEmpty,
            case .isCertificateAuthority(maxPathLength: 0)? = try? extensions.basicConstraints,
            let usage = try? extensions.keyUsage, usage.keyCertSign,
            let constraints = try? extensions.nameConstraints, Array(constraints.permittedURIDomains) == [trustDomain],
            constraints.permittedSubtrees.count == 1, constraints.excludedSubtrees.isEmpty
        else { return nil }
        subject = certificate.subject
        self.keyIdentifier = keyIdentifier
        publicKey = certificate.publicKey
        notBefore = Timestamp(clamping: certificate.notValidBefore)
        notAfter = Timestamp(clamping: certificate.notValidAfter)
    }

    func isValid(at now: Timestamp, skew: Duration) -> Bool { now + skew >= notBefore && now <= notAfter }

    /// Whether a certificate says that this is its authority.
    func isNamed(by keyIdentifier: ArraySlice<UInt8>, issuer: DistinguishedName) -> Bool {
        self.keyIdentifier == keyIdentifier && subject == issuer
    }
}
