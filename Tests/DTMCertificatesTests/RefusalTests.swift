import Crypto
import DTMCore
import FoundationEssentials
import SwiftASN1
import Testing
import X509

@testable import DTMCertificates

/// One way to be refused.
struct Refusal: Sendable, CustomTestStringConvertible {
    let name: String
    let code: VerificationError.Code
    let change: @Sendable (inout Forge, Fixture) throws -> Void

    init(
        _ name: String, _ code: VerificationError.Code,
        _ change: @escaping @Sendable (inout Forge, Fixture) throws -> Void
    ) {
        self.name = name
        self.code = code
        self.change = change
    }

    var testDescription: String { name }

    private static let unknown = Certificate.Extension(
        oid: [1, 3, 6, 1, 4, 1, 99_999, 1], critical: true, value: [5, 0])

    /// All of these are signed by the authority, unless they say otherwise.
    static let all: [Refusal] = [
        Refusal("no key identifier of the authority", .foreignAuthority) { forge, _ in
            forge.authorityKeyIdentifier = nil
        },
        Refusal("another key identifier", .foreignAuthority) { forge, _ in forge.authorityKeyIdentifier = [1, 2, 3] },
        Refusal("another issuer's name", .foreignAuthority) { forge, _ in
            forge.issuer = try DistinguishedName { CommonName("0123456789abcdef") }
        },
        Refusal("the authority's names, another key's signature", .signature) { forge, _ in
            forge.signer = Certificate.PrivateKey(P256.Signing.PrivateKey())
        },
        Refusal("the authority's names, a P-384 signature", .signature) { forge, _ in
            forge.signer = Certificate.PrivateKey(P384.Signing.PrivateKey())
        },
        Refusal("version 1", .version) { forge, _ in forge.version = .v1 },
        Refusal("serial number zero", .serialNumber) { forge, _ in forge.serial = [0] },
        Refusal("serial number of 21 bytes", .serialNumber) { forge, _ in
            forge.serial = [UInt8](repeating: 0x41, count: 21)
        },
        Refusal("a P-384 key", .publicKey) { forge, _ in
            forge.publicKey = Certificate.PublicKey(P384.Signing.PrivateKey().publicKey)
        },
        Refusal("an Ed25519 key", .publicKey) { forge, _ in
            forge.publicKey = Certificate.PublicKey(Curve25519.Signing.PrivateKey().publicKey)
        },
        Refusal("an unknown critical extension", .criticalExtension) { forge, _ in forge.others = [unknown] },
        Refusal("a critical name constraint", .criticalExtension) { forge, _ in
            forge.others = [try .init(NameConstraints(permittedURIDomains: ["a"]), critical: true)]
        },
        Refusal("a leaf that is an authority", .certificateAuthority) { forge, _ in
            forge.constraints = .isCertificateAuthority(maxPathLength: nil)
        },
        Refusal("no basic constraints", .certificateAuthority) { forge, _ in forge.constraints = nil },
        Refusal("no key usage", .keyUsage) { forge, _ in forge.usage = nil },
        Refusal("key usage without signatures", .keyUsage) { forge, _ in forge.usage = KeyUsage(keyAgreement: true) },
        Refusal("key usage that signs certificates too", .keyUsage) { forge, _ in
            forge.usage = KeyUsage(digitalSignature: true, keyCertSign: true)
        },
        Refusal("no extended key usage", .extendedKeyUsage) { forge, _ in forge.extendedUsage = [] },
        Refusal("a client with a server's usage", .extendedKeyUsage) { forge, _ in forge.extendedUsage = [.serverAuth]
        },
        Refusal("a client with both usages", .extendedKeyUsage) { forge, _ in
            forge.extendedUsage = [.clientAuth, .serverAuth]
        },
        Refusal("any usage", .extendedKeyUsage) { forge, _ in forge.extendedUsage = [.any] },
        Refusal("no name", .alternativeName) { forge, _ in forge.names = [] },
        Refusal("a name that is not critical", .alternativeName) { forge, _ in forge.namesAreCritical = false },
        Refusal("two identities", .alternativeName) { forge, _ in forge.names += forge.names },
        Refusal("an identity and a DNS name", .alternativeName) { forge, _ in forge.names.append(.dnsName("a.example"))
        },
        Refusal("a DNS name alone", .alternativeName) { forge, _ in forge.names = [.dnsName("a.example")] },
        Refusal("a URI that is not SPIFFE's", .identity) { forge, _ in
            forge.names = [.uniformResourceIdentifier("https://a.example/")]
        },
        Refusal("an identity of no known form", .identity) { forge, fixture in
            forge.names = [.uniformResourceIdentifier("spiffe://\(fixture.trustDomain)/admin")]
        },
        Refusal("a tunnel id in capitals", .identity) { forge, fixture in
            let id = fixture.tunnel.description.uppercased()
            forge.names = [.uniformResourceIdentifier("spiffe://\(fixture.trustDomain)/client/\(id)/me")]
        },
        Refusal("an identity of another trust domain", .trustDomain) { forge, fixture in
            forge.names = [.uniformResourceIdentifier("spiffe://elsewhere/client/\(fixture.tunnel)/me")]
        },
        Refusal("a lifetime beyond the cap", .lifetime) { forge, fixture in
            forge.notAfter = fixture.now + .seconds(3_602)
        },
        Refusal("an end before the beginning", .lifetime) { forge, fixture in
            forge.notAfter = forge.notBefore - .seconds(1)
        },
        Refusal("not valid yet", .notYetValid) { forge, fixture in
            forge.notBefore = fixture.now + .seconds(6)
        },
        Refusal("expired", .expired) { forge, fixture in
            forge.notBefore = fixture.now - .seconds(100)
            forge.notAfter = fixture.now - .seconds(1)
        },
        Refusal("a listener in a client's place", .wrongRole) { forge, fixture in
            forge.names = [.uniformResourceIdentifier(try fixture.listenerIdentity.description)]
            forge.extendedUsage = [.serverAuth]
        },
        Refusal("a client of another tunnel", .wrongTunnel) { forge, fixture in
            let other = TunnelID(high: 1, low: 2)
            forge.names = [.uniformResourceIdentifier("spiffe://\(fixture.trustDomain)/client/\(other)/me")]
        },
    ]
}

@Suite struct RefusalTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private func code(
        _ chain: [[UInt8]], _ verifier: PeerVerifier? = nil, expecting expected: ExpectedPeer? = nil,
        now: Timestamp? = nil
    ) throws -> VerificationError.Code? {
        try (verifier ?? fixture.verifier()).verify(
            chain: chain, expecting: expected ?? .client(of: fixture.tunnel), now: now ?? fixture.now
        ).code
    }

    @Test func `The forge's certificate is accepted as long as nothing is changed`() throws {
        #expect(try code([fixture.forge().der()]) == nil)
    }

    @Test func `An unknown extension that is not critical is let pass`() throws {
        var forge = try fixture.forge()
        forge.others = [Certificate.Extension(oid: [1, 3, 6, 1, 4, 1, 99_999, 1], critical: false, value: [5, 0])]
        #expect(try code([forge.der()]) == nil)
    }

    @Test(arguments: Refusal.all)
    func `A certificate that the authority would not issue is refused for what is wrong with it`(refusal: Refusal)
        throws
    {
        var forge = try fixture.forge()
        try refusal.change(&forge, fixture)
        #expect(try code([forge.der()]) == refusal.code)
    }

    @Test func `No chain, an empty one, a long one and garbage are refused`() throws {
        let leaf = try #require(fixture.leaf().chain.first)
        #expect(try code([]) == .noCertificate)
        #expect(try code([[]]) == .malformed)
        #expect(try code([leaf, [], [], [], []]) == .tooLong)
        #expect(try code([leaf, [UInt8](repeating: 0, count: PeerVerifier.maximumChainBytes)]) == .tooLong)
        #expect(try code([[UInt8](repeating: 0x30, count: PeerVerifier.maximumChainBytes)]) == .malformed)
        #expect(try code([leaf + [0]]) == .malformed)
    }

    @Test func `The authority's own certificate is no identity`() throws {
        #expect(try code([fixture.authority.certificateDER]) == .certificateAuthority)
    }

    @Test func `A leaf of an authority that is not in the bundle is foreign, though all names are the same`() throws {
        let other = try Fixture()
        #expect(try code(other.leaf().chain) == .foreignAuthority)
    }

    @Test func `A leaf of an authority that has expired is refused`() throws {
        var forge = try fixture.forge()
        forge.notBefore = fixture.authority.notAfter - .seconds(60)
        forge.notAfter = fixture.authority.notAfter + .seconds(3_000)
        let late = fixture.authority.notAfter + .seconds(1)
        #expect(try code([forge.der()], now: late) == .authorityNotValid)
    }

    @Test func `The listener of another tunnel, and a client in a listener's place, are refused`() throws {
        let listener = try fixture.leaf(fixture.listenerIdentity)
        let other = try #require(SPIFFEID.tunnel(.random(), in: fixture.trustDomain))
        #expect(try code(listener.chain, expecting: .listener(other)) == .wrongListener)
        #expect(try code(fixture.leaf().chain, expecting: .listener(fixture.listenerIdentity)) == .wrongRole)
    }

    @Test func `Revocation by serial number and by identity each refuse with their own code`() throws {
        let leaf = try fixture.leaf()
        #expect(try code(leaf.chain, fixture.verifier(revokedSerials: [leaf.serial])) == .revoked)
        #expect(
            try code(leaf.chain, fixture.verifier(revokedIdentities: [leaf.identity.description])) == .identityRevoked)
    }

    @Test func `Every code has a case here, a message of its own, and no word of the peer in it`() {
        let elsewhere: Set<VerificationError.Code> = [
            .noCertificate, .tooLong, .malformed, .authorityNotValid, .revoked, .identityRevoked, .wrongListener,
        ]
        #expect(Set(Refusal.all.map(\.code)).union(elsewhere) == Set(VerificationError.Code.allCases))
        let messages = VerificationError.Code.allCases.map { VerificationError($0).description }
        #expect(Set(messages).count == messages.count)
    }

    @Test func `A certificate of the year 9999 is refused and not misread`() throws {
        var forge = try fixture.forge()
        forge.notAfter = Timestamp(seconds: 9_000_000_000)
        #expect(try code([forge.der()]) == .lifetime)
        #expect(Timestamp(clamping: Date(timeIntervalSince1970: 253_402_300_799)).seconds == 9_000_000_000)
        #expect(Timestamp(clamping: Date(timeIntervalSince1970: -1e300)).seconds == -9_000_000_000)
    }
}
