public import DTMCore
import DTMSecrets
import FoundationEssentials
import SwiftASN1
import X509

/// A certificate authority that lives in memory: a P-256 key in protected memory and a certificate that it signed
/// itself.
///
/// Construct it with a trust domain → ``issue(request:identity:lifetime:renewalMargin:jitter:now:)`` leaves → drop it:
/// its key is wiped. Its certificate may issue no further authorities (`pathLenConstraint` 0) and no names outside of
/// its trust domain (name constraint), and its own name is random: TLS 1.3 shows the issuer of a server to anyone who
/// connects.
public final class Authority: Sendable {
    /// The only domain for which it may issue.
    public let trustDomain: String
    /// The certificate in DER: what goes into trust bundles.
    public let certificateDER: [UInt8]
    /// Random; names the authority in events and lists.
    public let serial: SerialNumber
    /// The beginning of validity: a minute before its creation.
    public let notBefore: Timestamp
    /// The last moment of validity.
    public let notAfter: Timestamp

    let key: SigningKey
    let certificate: Certificate
    let keyIdentifier: [UInt8]

    /// A trust domain that says nothing: 32 random hexadecimal digits.
    public static func randomTrustDomain() -> String { Hexadecimal.encode(Profile.randomBytes(16)) }

    /// A new authority, valid from a minute before `now`.
    ///
    /// - Parameters:
    ///   - trustDomain: The only domain for which it may issue.
    ///   - lifetime: How long from `now` it is valid; whole seconds.
    ///   - now: Steady time.
    /// - Throws: ``CertificatesError`` of code `trustDomain`, `lifetime`, `key`, `signing` or `encoding`.
    public init(trustDomain: String, lifetime: Duration, now: Timestamp) throws(CertificatesError) {
        guard SPIFFEID(trustDomain: trustDomain, segments: ["x"]) != nil else {
            throw CertificatesError(
                .trustDomain, "a trust domain has 1 to 255 of the characters a-z, 0-9, '.', '-' and '_'")
        }
        guard lifetime >= .seconds(1), lifetime <= AuthorityPolicy.maximumAuthorityLifetime else {
            throw CertificatesError(
                .lifetime, "an authority was asked to live \(lifetime); allowed are 1 second to 10 years")
        }
        let key = try SigningKey.generate()
        let keyIdentifier = Profile.keyIdentifier(of: key.verifyingKey)
        let serial = Profile.randomSerial()
        let notBefore = (now - Profile.backdating).wholeSeconds
        let notAfter = (now + lifetime).wholeSeconds
        do {
            let name = try DistinguishedName { CommonName(Hexadecimal.encode(Profile.randomBytes(8))) }
            certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(bytes: serial), publicKey: key.publicKey,
                notValidBefore: notBefore.date, notValidAfter: notAfter.date, issuer: name, subject: name,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Profile.authorityExtensions(trustDomain: trustDomain, keyIdentifier: keyIdentifier),
                issuerPrivateKey: Certificate.PrivateKey(key))
            certificateDER = try DER.encoding(of: certificate)
        } catch {
            throw CertificatesError(.encoding, "the certificate of an authority could not be made", cause: error)
        }
        guard let serialNumber = SerialNumber(bytes: serial) else {
            throw CertificatesError(.encoding, "a serial number could not be made")
        }
        self.trustDomain = trustDomain
        self.serial = serialNumber
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.key = key
        self.keyIdentifier = keyIdentifier
    }

    /// One that was kept.
    init(
        trustDomain: String, certificate: Certificate, der: [UInt8], serial: SerialNumber, key: SigningKey
    ) {
        self.trustDomain = trustDomain
        self.certificate = certificate
        certificateDER = der
        self.serial = serial
        notBefore = Timestamp(clamping: certificate.notValidBefore)
        notAfter = Timestamp(clamping: certificate.notValidAfter)
        self.key = key
        keyIdentifier = Profile.keyIdentifier(of: key.verifyingKey)
    }
}
