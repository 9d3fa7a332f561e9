import Crypto
import DTMCore
import FoundationEssentials
import SwiftASN1
import Testing
import X509

@testable import DTMCertificates

/// An authority, a tunnel and a moment.
struct Fixture {
    static let start = Timestamp(seconds: 1_800_000_000)

    let now = Self.start
    let tunnel = TunnelID(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)
    let trustDomain = "00112233445566778899aabbccddeeff"
    let authority: Authority

    init() throws {
        authority = try Authority(trustDomain: trustDomain, lifetime: .seconds(30 * 86_400), now: Self.start)
    }

    var clientIdentity: SPIFFEID {
        get throws { try #require(SPIFFEID.client(of: tunnel, who: "uid-1000.4f2a9c01", in: trustDomain)) }
    }

    var listenerIdentity: SPIFFEID {
        get throws { try #require(SPIFFEID.tunnel(tunnel, in: trustDomain)) }
    }

    func leaf(_ identity: SPIFFEID? = nil, lifetime: Duration = .seconds(3_600)) throws -> IssuedLeaf {
        try authority.issue(
            request: LeafKey().certificateRequest(), identity: identity ?? clientIdentity, lifetime: lifetime, now: now)
    }

    func verifier(
        _ bundle: [Authority]? = nil, revokedSerials: [SerialNumber] = [], revokedIdentities: [String] = []
    ) throws -> PeerVerifier {
        try PeerVerifier(
            trustBundle: (bundle ?? [authority]).map(\.certificateDER), trustDomain: trustDomain,
            revokedSerials: revokedSerials, revokedIdentities: revokedIdentities)
    }

    func forge() throws -> Forge { try Forge(self) }
}

/// Makes leaves that the authority itself would not: each property can be changed before it is signed.
struct Forge {
    var version = Certificate.Version.v3
    var serial: [UInt8] = Profile.randomSerial()
    var publicKey: Certificate.PublicKey
    var notBefore: Timestamp
    var notAfter: Timestamp
    var issuer: DistinguishedName
    var subject = DistinguishedName()
    var names: [GeneralName]
    var namesAreCritical = true
    var constraints: BasicConstraints? = .notCertificateAuthority
    var usage: KeyUsage? = KeyUsage(digitalSignature: true)
    var extendedUsage: [ExtendedKeyUsage.Usage] = [.clientAuth]
    var authorityKeyIdentifier: [UInt8]?
    var others: [Certificate.Extension] = []
    var signer: Certificate.PrivateKey

    init(_ fixture: Fixture) throws {
        publicKey = Certificate.PublicKey(P256.Signing.PrivateKey().publicKey)
        notBefore = fixture.now - .seconds(60)
        notAfter = fixture.now + .seconds(3_600)
        issuer = fixture.authority.certificate.subject
        names = [.uniformResourceIdentifier(try fixture.clientIdentity.description)]
        authorityKeyIdentifier = fixture.authority.keyIdentifier
        signer = Certificate.PrivateKey(fixture.authority.key)
    }

    func der() throws -> [UInt8] { try DER.encoding(of: certificate()) }

    func certificate() throws -> Certificate {
        try Certificate(
            version: version, serialNumber: Certificate.SerialNumber(bytes: serial), publicKey: publicKey,
            notValidBefore: notBefore.date, notValidAfter: notAfter.date, issuer: issuer, subject: subject,
            extensions: extensions(), issuerPrivateKey: signer)
    }

    private func extensions() throws -> Certificate.Extensions {
        var all: [Certificate.Extension] = []
        if !names.isEmpty {
            all.append(try Certificate.Extension(SubjectAlternativeNames(names), critical: namesAreCritical))
        }
        if let constraints { all.append(try Certificate.Extension(constraints, critical: true)) }
        if let usage { all.append(try Certificate.Extension(usage, critical: true)) }
        if !extendedUsage.isEmpty {
            all.append(try Certificate.Extension(ExtendedKeyUsage(extendedUsage), critical: false))
        }
        if let authorityKeyIdentifier {
            all.append(
                try Certificate.Extension(
                    AuthorityKeyIdentifier(keyIdentifier: authorityKeyIdentifier[...]), critical: false))
        }
        return try Certificate.Extensions(all + others)
    }
}

extension Result where Failure == VerificationError {
    var code: VerificationError.Code? {
        guard case .failure(let error) = self else { return nil }
        return error.code
    }
}
