import DTMTestSupport
import Crypto
import DTMCore
import SwiftASN1
import Testing
import X509

@testable import DTMCertificates

@Suite struct PeerVerifierTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @Test func `A client of the tunnel and the very listener are accepted`() throws {
        let verifier = try fixture.verifier()
        let client = try fixture.leaf()
        let peer = try verifier.verify(
            chain: client.chain, expecting: .client(of: fixture.tunnel), now: fixture.now
        ).get()
        #expect(
            peer
                == VerifiedPeer(
                    identity: client.identity, role: .client, tunnel: fixture.tunnel, serial: client.serial,
                    notAfter: client.notAfter))
        let listener = try fixture.leaf(fixture.listenerIdentity)
        #expect(
            try verifier.verify(
                chain: listener.chain, expecting: .listener(fixture.listenerIdentity), now: fixture.now
            ).get().identity == fixture.listenerIdentity)
    }

    @Test func `Certificates after the leaf are ignored, whatever they are`() throws {
        let verifier = try fixture.verifier()
        let leaf = try fixture.leaf().chain
        for rest in [[fixture.authority.certificateDER], [[0xff]], [[], [], []]] {
            #expect(
                verifier.verify(chain: leaf + rest, expecting: .client(of: fixture.tunnel), now: fixture.now).code
                    == nil)
        }
    }

    @Test func `Both authorities of a bundle are trusted`() throws {
        let other = try Authority(trustDomain: fixture.trustDomain, lifetime: .seconds(86_400), now: fixture.now)
        let verifier = try fixture.verifier([other, fixture.authority])
        let request = try LeafKey().certificateRequest()
        for authority in [fixture.authority, other] {
            let leaf = try authority.issue(
                request: request, identity: fixture.clientIdentity, lifetime: .seconds(60), now: fixture.now)
            #expect(
                verifier.verify(chain: leaf.chain, expecting: .client(of: fixture.tunnel), now: fixture.now).code == nil
            )
        }
    }

    @Test func `Validity begins a little early for a clock that is behind, and ends to the nanosecond`() throws {
        let verifier = try fixture.verifier()
        let leaf = try fixture.leaf()
        func code(_ now: Timestamp) -> VerificationError.Code? {
            verifier.verify(chain: leaf.chain, expecting: .client(of: fixture.tunnel), now: now).code
        }
        #expect(code(leaf.notBefore - .seconds(5)) == nil)
        // The authority of the fixture begins with the leaf.
        #expect(code(leaf.notBefore - .seconds(6)) == .authorityNotValid)
        #expect(code(leaf.notAfter) == nil)
        #expect(code(leaf.notAfter + .nanoseconds(1)) == .expired)
    }

    @Test func `Time, revocation and expectation are looked at again when the leaf is known`() throws {
        let verifier = try fixture.verifier()
        let leaf = try fixture.leaf()
        func code(_ verifier: PeerVerifier, _ expected: ExpectedPeer? = nil, _ now: Timestamp? = nil)
            -> VerificationError.Code?
        {
            verifier.verify(
                chain: leaf.chain, expecting: expected ?? .client(of: fixture.tunnel), now: now ?? fixture.now
            ).code
        }
        #expect(code(verifier) == nil)
        #expect(verifier.cache.count == 1)
        #expect(code(verifier, nil, leaf.notAfter + .seconds(1)) == .expired)
        #expect(code(verifier, .client(of: .random())) == .wrongTunnel)
        #expect(code(verifier.revoking(serials: [leaf.serial], identities: [])) == .revoked)
        #expect(code(verifier.revoking(serials: [], identities: [leaf.identity.description])) == .identityRevoked)
        #expect(code(verifier) == nil)
        #expect(verifier.cache.count == 1)
    }

    @Test func `A peer that was accepted is found by a later revocation`() throws {
        let verifier = try fixture.verifier()
        let leaf = try fixture.leaf()
        let peer = try verifier.verify(
            chain: leaf.chain, expecting: .client(of: fixture.tunnel), now: fixture.now
        ).get()
        #expect(verifier.revocation(of: peer) == nil)
        #expect(verifier.revoking(serials: [leaf.serial], identities: []).revocation(of: peer)?.code == .revoked)
        #expect(
            verifier.revoking(serials: [], identities: [leaf.identity.description]).revocation(of: peer)?.code
                == .identityRevoked)
    }

    @Test func `Refused leaves are not remembered, and accepted ones up to a bound`() throws {
        let verifier = try fixture.verifier()
        var forge = try fixture.forge()
        forge.usage = nil
        for _ in 0..<3 {
            _ = verifier.verify(chain: [try forge.der()], expecting: .client(of: fixture.tunnel), now: fixture.now)
        }
        #expect(verifier.cache.count == 0)

        let cache = VerificationCache()
        let leaf = try verifier.vet(der: #require(fixture.leaf().chain.first))
        for number in 0..<VerificationCache.capacity + 10 {
            cache.insert(leaf, for: SHA256.hash(of: [UInt8(number & 0xff), UInt8(number >> 8)]))
            cache.insert(leaf, for: SHA256.hash(of: [UInt8(number & 0xff), UInt8(number >> 8)]))
        }
        #expect(cache.count == VerificationCache.capacity)
        #expect(cache[SHA256.hash(of: [9, 0])] == nil)
        #expect(cache[SHA256.hash(of: [10, 0])] != nil)
    }

    @Test func `Several threads may verify at once`() async throws {
        let verifier = try fixture.verifier()
        let leaves = try (0..<8).map { _ in try fixture.leaf() }
        let accepted = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<256 {
                group.addTask {
                    verifier.verify(
                        chain: leaves[number % 8].chain, expecting: .client(of: fixture.tunnel), now: fixture.now
                    ).code == nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(accepted == 256)
        #expect(verifier.cache.count == 8)
    }
}

@Suite struct TrustBundleTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private func code(for bundle: [[UInt8]], trustDomain: String? = nil) -> CertificatesError.Code? {
        do {
            _ = try PeerVerifier(trustBundle: bundle, trustDomain: trustDomain ?? fixture.trustDomain)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `A bundle is not empty and not long`() {
        #expect(code(for: []) == .trustBundle)
        #expect(code(for: Array(repeating: fixture.authority.certificateDER, count: 9)) == .trustBundle)
        #expect(code(for: Array(repeating: fixture.authority.certificateDER, count: 8)) == nil)
    }

    @Test func `A bundle holds authorities of its trust domain only`() throws {
        #expect(code(for: [fixture.authority.certificateDER], trustDomain: "elsewhere") == .trustBundle)
        #expect(code(for: [try #require(fixture.leaf().chain.first)]) == .trustBundle)
        #expect(code(for: [fixture.authority.certificateDER, [0x30, 0x00]]) == .trustBundle)
    }

    @Test func `An authority whose certificate was tampered with is not let in`() throws {
        let der = fixture.authority.certificateDER
        var generator = SeededGenerator(seed: 5)
        for _ in SeededGenerator.rounds(400) {
            var mutated = der
            let bit = Int.random(in: 0..<(der.count * 8), using: &generator)
            mutated[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let read = TrustAnchor(der: mutated, trustDomain: fixture.trustDomain) else { continue }
            // What is not signed may be written in another way; what is signed may not.
            #expect(read.publicKey == fixture.authority.certificate.publicKey)
            let certificate = try Certificate(derEncoded: mutated)
            #expect(certificate.tbsCertificateBytes == fixture.authority.certificate.tbsCertificateBytes)
        }
    }
}
