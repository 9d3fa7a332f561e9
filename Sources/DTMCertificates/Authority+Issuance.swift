import Crypto
public import DTMCore
import DTMSecrets
import FoundationEssentials
import SwiftASN1
import X509

/// A leaf certificate, and when to ask for the next one.
public struct IssuedLeaf: Hashable, Sendable {
    /// DER, the leaf alone: peers have the authority in their trust bundle.
    public let chain: [[UInt8]]
    /// Random; what revocations name.
    public let serial: SerialNumber
    /// Whom it certifies.
    public let identity: SPIFFEID
    /// What the identity says: a server or a client.
    public let role: PeerRole
    /// The tunnel that the identity names.
    public let tunnel: TunnelID
    /// The beginning of validity: a minute before the issue.
    public let notBefore: Timestamp
    /// The last moment of validity.
    public let notAfter: Timestamp
    /// A moment at which the margin is still left, drawn at random so that leaves made together are not renewed
    /// together.
    public let renewAt: Timestamp
}

extension Authority {
    /// The longest request that is read, in bytes. One for a P-256 key takes about 200.
    public static let maximumRequestBytes = 4_096

    /// How much of the time between issue and the latest moment of renewal the jitter may take.
    static let jitterShare = 0.2

    /// Issues a leaf for the key of a request. All else that the request says is ignored: the caller decides who it is
    /// for.
    ///
    /// - Parameters:
    ///   - request: PKCS#10 in DER, signed by the key it holds, P-256, at most ``maximumRequestBytes``.
    ///   - identity: `tunnel/<id>` gives a server's certificate, `client/<id>/<who>` a client's.
    ///   - lifetime: From `now`; whole seconds. Must end before the authority does.
    ///   - renewalMargin: What is left of the lifetime at the latest renewal; at most half the lifetime is taken.
    ///   - jitter: 0..<1; how far before the latest renewal this one is.
    ///   - now: Steady time.
    /// - Throws: ``CertificatesError`` of code `requestTooLong`, `requestMalformed`, `requestKey`, `requestSignature`,
    ///   `identity`, `lifetime`, `signing` or `encoding`.
    public func issue(
        request: [UInt8], identity: SPIFFEID, lifetime: Duration, renewalMargin: Duration = .seconds(1_200),
        jitter: Double = .random(in: 0..<1), now: Timestamp
    ) throws(CertificatesError) -> IssuedLeaf {
        let publicKey = try Self.publicKey(of: request)
        guard identity.trustDomain == trustDomain, let (role, tunnel) = identity.peerRole else {
            throw CertificatesError(
                .identity,
                "\(identity) can't be certified; allowed are spiffe://\(trustDomain)/tunnel/ID and .../client/ID/WHO")
        }
        let validity = try validity(of: lifetime, now: now)
        let serial = Profile.randomSerial()
        let der = try certify(publicKey, identity: identity, role: role, serial: serial, validity: validity)
        guard let serialNumber = SerialNumber(bytes: serial) else {
            throw CertificatesError(.encoding, "a serial number could not be made")
        }
        return IssuedLeaf(
            chain: [der], serial: serialNumber, identity: identity, role: role, tunnel: tunnel,
            notBefore: validity.lowerBound, notAfter: validity.upperBound,
            renewAt: Self.renewal(
                before: validity.upperBound, margin: min(renewalMargin, lifetime / 2), jitter: jitter, now: now))
    }

    private func validity(of lifetime: Duration, now: Timestamp) throws(CertificatesError) -> ClosedRange<Timestamp> {
        guard lifetime >= .seconds(1) else {
            throw CertificatesError(.lifetime, "a leaf was asked to live \(lifetime); the least is 1 second")
        }
        let end = (now + min(lifetime, AuthorityPolicy.maximumAuthorityLifetime)).wholeSeconds
        guard now >= notBefore, end <= notAfter else {
            throw CertificatesError(
                .lifetime,
                "a leaf valid until \(end) would outlive its authority, which is valid \(notBefore) to \(notAfter)",
                hint: "replace the authority: dtm certs rotate --authority")
        }
        return max((now - Profile.backdating).wholeSeconds, notBefore)...end
    }

    private func certify(
        _ publicKey: Certificate.PublicKey, identity: SPIFFEID, role: PeerRole, serial: [UInt8],
        validity: ClosedRange<Timestamp>
    ) throws(CertificatesError) -> [UInt8] {
        do {
            return try DER.encoding(
                of: Certificate(
                    version: .v3, serialNumber: Certificate.SerialNumber(bytes: serial), publicKey: publicKey,
                    notValidBefore: validity.lowerBound.date, notValidAfter: validity.upperBound.date,
                    issuer: certificate.subject, subject: DistinguishedName(), signatureAlgorithm: .ecdsaWithSHA256,
                    extensions: Profile.leafExtensions(
                        identity: identity, role: role, authorityKeyIdentifier: keyIdentifier),
                    issuerPrivateKey: Certificate.PrivateKey(key)))
        } catch {
            throw CertificatesError(.encoding, "a leaf certificate could not be made", cause: error)
        }
    }

    private static func publicKey(of request: [UInt8]) throws(CertificatesError) -> Certificate.PublicKey {
        guard request.count <= maximumRequestBytes else {
            throw CertificatesError(
                .requestTooLong, "a certificate request has \(request.count) bytes; allowed are \(maximumRequestBytes)")
        }
        // The parser's own error could quote the request, so it is not passed on.
        guard let parsed = try? CertificateSigningRequest(derEncoded: request),
            parsed.signature.isEncodedExactly(atEndOf: request)
        else {
            throw CertificatesError(.requestMalformed, "a certificate request is not PKCS#10 in DER")
        }
        guard P256.Signing.PublicKey(parsed.publicKey) != nil else {
            throw CertificatesError(.requestKey, "a certificate request holds a key that is not on P-256")
        }
        guard parsed.signatureAlgorithm == .ecdsaWithSHA256,
            parsed.publicKey.isValidSignature(parsed.signature, for: parsed)
        else {
            throw CertificatesError(
                .requestSignature, "a certificate request is not signed by the key in it with ECDSA over SHA-256")
        }
        return parsed.publicKey
    }

    private static func renewal(before end: Timestamp, margin: Duration, jitter: Double, now: Timestamp) -> Timestamp {
        let latest = end - margin
        let room = max(latest - now, .zero)
        return latest - .nanoseconds(Int64(Double(room.wholeNanoseconds) * jitterShare * min(max(jitter, 0), 1)))
    }
}
