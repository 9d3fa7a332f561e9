import DTMTestSupport
import Crypto
import DTMCore
import FoundationEssentials
import SwiftASN1
import Testing
import X509

@testable import DTMCertificates

@Suite struct AuthorityTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @Test func `An authority's certificate allows leaves of its trust domain and nothing else`() throws {
        let certificate = try Certificate(derEncoded: fixture.authority.certificateDER)
        let extensions = certificate.extensions
        #expect(certificate.version == .v3)
        #expect(certificate.issuer == certificate.subject)
        #expect(certificate.publicKey.isValidSignature(certificate.signature, for: certificate))
        #expect(try extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try extensions.keyUsage == KeyUsage(keyCertSign: true, cRLSign: true))
        #expect(try extensions.nameConstraints == NameConstraints(permittedURIDomains: [fixture.trustDomain]))
        #expect(try extensions.subjectKeyIdentifier?.keyIdentifier == fixture.authority.keyIdentifier[...])
        #expect(try extensions.authorityKeyIdentifier?.keyIdentifier == fixture.authority.keyIdentifier[...])
        let critical = extensions.filter(\.critical).map(\.oid)
        #expect(
            Set(critical) == [
                .X509ExtensionID.basicConstraints, .X509ExtensionID.keyUsage, .X509ExtensionID.nameConstraints,
            ])
    }

    @Test func `Validity runs from a minute before the present for the lifetime, in whole seconds`() throws {
        let now = Timestamp(nanoseconds: 1_800_000_000_999_999_999)
        let authority = try Authority(trustDomain: "x", lifetime: .seconds(100), now: now)
        #expect(authority.notBefore == Timestamp(seconds: 1_800_000_000 - 60))
        #expect(authority.notAfter == Timestamp(seconds: 1_800_000_100))
        let certificate = try Certificate(derEncoded: authority.certificateDER)
        #expect(Timestamp(clamping: certificate.notValidBefore) == authority.notBefore)
        #expect(Timestamp(clamping: certificate.notValidAfter) == authority.notAfter)
    }

    @Test func `Names and trust domains are random and say nothing`() throws {
        let other = try Authority(trustDomain: fixture.trustDomain, lifetime: .seconds(100), now: fixture.now)
        #expect(other.certificate.subject != fixture.authority.certificate.subject)
        #expect("\(other.certificate.subject)".wholeMatch(of: /CN=[0-9a-f]{16}/) != nil)
        #expect(Authority.randomTrustDomain().wholeMatch(of: /[0-9a-f]{32}/) != nil)
        #expect(Authority.randomTrustDomain() != Authority.randomTrustDomain())
    }

    @Test(arguments: ["", "Upper", "with space", "a/b", String(repeating: "a", count: 256)])
    func `A trust domain by other rules than SPIFFE's is refused`(domain: String) {
        let error = #expect(throws: CertificatesError.self) {
            _ = try Authority(trustDomain: domain, lifetime: .seconds(100), now: Fixture.start)
        }
        #expect(error?.code == .trustDomain)
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .milliseconds(999), .seconds(11 * 365 * 86_400)])
    func `A lifetime out of bounds is refused`(lifetime: Duration) {
        let error = #expect(throws: CertificatesError.self) {
            _ = try Authority(trustDomain: "x", lifetime: lifetime, now: Fixture.start)
        }
        #expect(error?.code == .lifetime)
    }
}

@Suite struct IssuanceTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @Test func `A client's leaf has the profile of a client`() throws {
        let key = try LeafKey()
        let leaf = try fixture.authority.issue(
            request: key.certificateRequest(), identity: fixture.clientIdentity, lifetime: .seconds(3_600),
            now: fixture.now)
        let certificate = try Certificate(derEncoded: #require(leaf.chain.first))
        let extensions = certificate.extensions
        #expect(leaf.chain.count == 1)
        #expect(try DER.encoding(of: certificate.publicKey) == key.publicKeyDER)
        #expect(certificate.subject.isEmpty)
        #expect(certificate.issuer == fixture.authority.certificate.subject)
        #expect(try extensions.extendedKeyUsage == ExtendedKeyUsage([.clientAuth]))
        #expect(try extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(try extensions.basicConstraints == .notCertificateAuthority)
        #expect(
            try extensions.subjectAlternativeNames
                == SubjectAlternativeNames([.uniformResourceIdentifier(fixture.clientIdentity.description)]))
        #expect(extensions[oid: .X509ExtensionID.subjectAlternativeName]?.critical == true)
        #expect(Array(certificate.serialNumber.bytes) == leaf.serial.bytes)
        #expect((leaf.role, leaf.tunnel) == (.client, fixture.tunnel))
    }

    @Test func `A listener's leaf is for servers only, and no text in it tells more than random digits`() throws {
        let leaf = try fixture.leaf(fixture.listenerIdentity)
        let certificate = try Certificate(derEncoded: #require(leaf.chain.first))
        #expect(try certificate.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth]))
        #expect(leaf.role == .listener)
        #expect(
            leaf.identity.description == "spiffe://\(fixture.trustDomain)/tunnel/\(fixture.tunnel.description)")
    }

    @Test func `Serial numbers are positive, of 16 bytes, and never twice the same`() throws {
        let serials = (0..<1_000).map { _ in Profile.randomSerial() }
        #expect(Set(serials).count == 1_000)
        #expect(serials.allSatisfy { $0.count == 16 && $0[0] & 0x80 == 0 && $0[0] != 0 })
    }

    @Test func `Renewal leaves the margin and is spread over a fifth of the time before it`() throws {
        let request = try LeafKey().certificateRequest()
        func renewal(_ jitter: Double) throws -> Duration {
            let leaf = try fixture.authority.issue(
                request: request, identity: fixture.clientIdentity, lifetime: .seconds(3_600), jitter: jitter,
                now: fixture.now)
            return leaf.renewAt - fixture.now
        }
        #expect(try renewal(0) == .seconds(2_400))
        #expect(try renewal(0.5) == .seconds(2_160))
        #expect(try renewal(1) == .seconds(1_920))
        #expect(try renewal(-3) == .seconds(2_400))
    }

    @Test func `A short leaf is renewed at half of its life at the latest`() throws {
        let leaf = try fixture.authority.issue(
            request: LeafKey().certificateRequest(), identity: fixture.clientIdentity, lifetime: .seconds(10),
            jitter: 0, now: fixture.now)
        #expect(leaf.renewAt - fixture.now == .seconds(5))
    }

    @Test func `A leaf never outlives its authority, nor starts before it`() throws {
        let request = try LeafKey().certificateRequest()
        let end = fixture.authority.notAfter
        let last = try fixture.authority.issue(
            request: request, identity: fixture.clientIdentity, lifetime: .seconds(3_600), now: end - .seconds(3_600))
        #expect(last.notAfter == end)
        for (lifetime, now) in [
            (Duration.seconds(3_600), end - .seconds(3_599)), (.seconds(1), end), (.seconds(1), Timestamp(seconds: 0)),
            (.zero, fixture.now), (.seconds(Int64.max / 4), fixture.now),
        ] {
            let error = #expect(throws: CertificatesError.self) {
                _ = try fixture.authority.issue(
                    request: request, identity: fixture.clientIdentity, lifetime: lifetime, now: now)
            }
            #expect(error?.code == .lifetime)
        }
        #expect(try fixture.leaf().notBefore == fixture.authority.notBefore)
    }

    @Test(arguments: [
        "spiffe://00112233445566778899aabbccddeeff/other/0123456789abcdeffedcba9876543210",
        "spiffe://00112233445566778899aabbccddeeff/tunnel/0123456789abcdeffedcba98765432",
        "spiffe://00112233445566778899aabbccddeeff/tunnel/0123456789ABCDEFfedcba9876543210",
        "spiffe://00112233445566778899aabbccddeeff/tunnel/0123456789abcdeffedcba9876543210/x",
        "spiffe://00112233445566778899aabbccddeeff/client/0123456789abcdeffedcba9876543210",
        "spiffe://elsewhere/tunnel/0123456789abcdeffedcba9876543210",
    ])
    func `An identity of no known form or of another domain gets no certificate`(text: String) throws {
        let identity = try #require(SPIFFEID(text))
        let error = #expect(throws: CertificatesError.self) { _ = try fixture.leaf(identity) }
        #expect(error?.code == .identity)
    }
}

@Suite struct RequestTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private func code(for request: [UInt8]) -> CertificatesError.Code? {
        do {
            _ = try fixture.authority.issue(
                request: request, identity: fixture.clientIdentity, lifetime: .seconds(60), now: fixture.now)
            return nil
        } catch {
            return (error as? CertificatesError)?.code
        }
    }

    private func request(
        _ key: Certificate.PrivateKey, subject: DistinguishedName = DistinguishedName(),
        attributes: CertificateSigningRequest.Attributes = .init()
    ) throws -> [UInt8] {
        try DER.encoding(
            of: CertificateSigningRequest(version: .v1, subject: subject, privateKey: key, attributes: attributes))
    }

    @Test func `What a request asks for is ignored`() throws {
        let wish = try Certificate.Extensions {
            BasicConstraints.isCertificateAuthority(maxPathLength: nil)
            SubjectAlternativeNames([.dnsName("bank.example")])
        }
        let greedy = try request(
            Certificate.PrivateKey(P256.Signing.PrivateKey()), subject: DistinguishedName { CommonName("root") },
            attributes: CertificateSigningRequest.Attributes([.init(ExtensionRequest(extensions: wish))]))
        let leaf = try fixture.authority.issue(
            request: greedy, identity: fixture.clientIdentity, lifetime: .seconds(60), now: fixture.now)
        let peer = try fixture.verifier().verify(
            chain: leaf.chain, expecting: .client(of: fixture.tunnel), now: fixture.now
        ).get()
        #expect(try peer.identity == fixture.clientIdentity)
        let certificate = try Certificate(derEncoded: #require(leaf.chain.first))
        #expect(certificate.subject.isEmpty)
        #expect(try certificate.extensions.basicConstraints == .notCertificateAuthority)
    }

    @Test func `Requests for other keys than P-256 are refused`() throws {
        #expect(code(for: try request(Certificate.PrivateKey(P384.Signing.PrivateKey()))) == .requestKey)
        #expect(code(for: try request(Certificate.PrivateKey(Curve25519.Signing.PrivateKey()))) == .requestKey)
    }

    @Test func `A request that another key signed is refused`() throws {
        let other = try CertificateSigningRequest(derEncoded: LeafKey().certificateRequest())
        let stolen = try CertificateSigningRequest(derEncoded: LeafKey().certificateRequest())
        let forged = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName(), publicKey: stolen.publicKey, attributes: .init(),
            signatureAlgorithm: .ecdsaWithSHA256, signature: other.signature)
        #expect(code(for: try DER.encoding(of: forged)) == .requestSignature)
    }

    @Test func `A request that is too long is not read`() throws {
        let valid = try LeafKey().certificateRequest()
        let padding = [UInt8](repeating: 0, count: Authority.maximumRequestBytes)
        #expect(code(for: Array((valid + padding).prefix(Authority.maximumRequestBytes + 1))) == .requestTooLong)
        #expect(code(for: Array((valid + padding).prefix(Authority.maximumRequestBytes))) == .requestMalformed)
    }

    @Test func `Requests cut short or with flipped bits never get a certificate`() throws {
        let valid = try LeafKey().certificateRequest()
        for length in 0..<valid.count { #expect(code(for: Array(valid.prefix(length))) == .requestMalformed) }
        var generator = SeededGenerator(seed: 2)
        for _ in SeededGenerator.rounds(600) {
            var mutated = valid
            let bit = Int.random(in: 0..<(valid.count * 8), using: &generator)
            mutated[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(code(for: mutated) != nil, "bit \(bit)")
        }
    }
}
