import Crypto
import DTMCore
import FoundationEssentials
import SwiftASN1
import X509

/// The checks whose result depends on the certificate and the trust bundle alone. The signature comes before all that
/// is said by the certificate, so that a stranger learns nothing about the profile and reaches as little code as
/// possible.
extension PeerVerifier {
    func vet(der: [UInt8]) throws(VerificationError) -> VettedLeaf {
        // The parser's own error could quote the peer, so it is not passed on.
        guard let certificate = try? Certificate(derEncoded: der), certificate.signature.isEncodedExactly(atEndOf: der)
        else { throw VerificationError(.malformed) }
        let anchor = try checkSignature(of: certificate)
        guard certificate.version == .v3 else { throw VerificationError(.version) }
        let serial = try serialNumber(of: certificate)
        guard P256.Signing.PublicKey(certificate.publicKey) != nil else { throw VerificationError(.publicKey) }
        try checkUsage(of: certificate)
        try checkCriticalExtensions(of: certificate)
        let (identity, role, tunnel) = try identity(of: certificate)
        try checkExtendedUsage(of: certificate, for: role)
        let (notBefore, notAfter) = try validity(of: certificate)
        return VettedLeaf(
            identity: identity, identityText: identity.description, role: role, tunnel: tunnel, serial: serial,
            notBefore: notBefore, notAfter: notAfter, anchor: anchor)
    }

    /// - Returns: The index of the authority that signed.
    private func checkSignature(of certificate: Certificate) throws(VerificationError) -> Int {
        let named = try read { try certificate.extensions.authorityKeyIdentifier }
        guard let keyIdentifier = named?.keyIdentifier,
            let index = anchors.firstIndex(where: { $0.isNamed(by: keyIdentifier, issuer: certificate.issuer) })
        else { throw VerificationError(.foreignAuthority) }
        guard certificate.signatureAlgorithm == .ecdsaWithSHA256,
            anchors[index].publicKey.isValidSignature(certificate.signature, for: certificate)
        else { throw VerificationError(.signature) }
        return index
    }

    private func serialNumber(of certificate: Certificate) throws(VerificationError) -> SerialNumber {
        // The parser has refused negative numbers.
        guard let serial = SerialNumber(bytes: certificate.serialNumber.bytes) else {
            throw VerificationError(.serialNumber)
        }
        return serial
    }

    private func checkCriticalExtensions(of certificate: Certificate) throws(VerificationError) {
        let known: [ASN1ObjectIdentifier] = [
            .X509ExtensionID.subjectAlternativeName, .X509ExtensionID.basicConstraints, .X509ExtensionID.keyUsage,
            .X509ExtensionID.extendedKeyUsage, .X509ExtensionID.authorityKeyIdentifier,
        ]
        guard certificate.extensions.allSatisfy({ !$0.critical || known.contains($0.oid) }) else {
            throw VerificationError(.criticalExtension)
        }
    }

    private func checkUsage(of certificate: Certificate) throws(VerificationError) {
        guard case .notCertificateAuthority? = try read({ try certificate.extensions.basicConstraints }) else {
            throw VerificationError(.certificateAuthority)
        }
        guard try read({ try certificate.extensions.keyUsage }) == KeyUsage(digitalSignature: true) else {
            throw VerificationError(.keyUsage)
        }
    }

    private func checkExtendedUsage(of certificate: Certificate, for role: PeerRole) throws(VerificationError) {
        guard let usage = try read({ try certificate.extensions.extendedKeyUsage }),
            Array(usage) == [role.extendedKeyUsage]
        else { throw VerificationError(.extendedKeyUsage) }
    }

    private func identity(
        of certificate: Certificate
    ) throws(VerificationError) -> (SPIFFEID, PeerRole, TunnelID) {
        guard certificate.extensions[oid: .X509ExtensionID.subjectAlternativeName]?.critical == true,
            let names = try read({ try certificate.extensions.subjectAlternativeNames }), names.count == 1,
            case .uniformResourceIdentifier(let uri)? = names.first
        else { throw VerificationError(.alternativeName) }
        guard let identity = SPIFFEID(uri) else { throw VerificationError(.identity) }
        guard identity.trustDomain == trustDomain else { throw VerificationError(.trustDomain) }
        guard let (role, tunnel) = identity.peerRole else { throw VerificationError(.identity) }
        return (identity, role, tunnel)
    }

    private func validity(of certificate: Certificate) throws(VerificationError) -> (Timestamp, Timestamp) {
        let notBefore = Timestamp(clamping: certificate.notValidBefore)
        let notAfter = Timestamp(clamping: certificate.notValidAfter)
        // Both ends are rounded to whole seconds when a certificate is issued, which can add one.
        let longest = maximumLifetime + Profile.backdating + .seconds(1)
        // Subtracted in seconds: clamped dates may lie further apart than nanoseconds can count.
        guard notBefore <= notAfter, Duration.seconds(notAfter.seconds - notBefore.seconds) <= longest else {
            throw VerificationError(.lifetime)
        }
        return (notBefore, notAfter)
    }

    /// An extension that can't be read makes the certificate malformed.
    private func read<Value>(_ body: () throws -> Value) throws(VerificationError) -> Value {
        do { return try body() } catch { throw VerificationError(.malformed) }
    }
}
