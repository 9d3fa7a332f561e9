import DTMTestSupport
import Crypto
import DTMCore
import FoundationEssentials
import SwiftASN1
import Testing
@_spi(FixedExpiryValidationTime) import X509

@testable import DTMCertificates

/// Tells swift-certificates' verifier that these are looked at elsewhere, so that it is as lenient as it can be.
private struct Lenient: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.subjectAlternativeName, .X509ExtensionID.keyUsage, .X509ExtensionID.extendedKeyUsage,
    ]

    mutating func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) async -> PolicyEvaluationResult {
        .meetsPolicy
    }
}

@Suite struct DifferentialTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    /// What RFC 5280 says, by another implementation.
    private func isValid(_ der: [UInt8], at now: Timestamp) async -> Bool {
        guard let leaf = try? Certificate(derEncoded: der) else { return false }
        var verifier = Verifier(rootCertificates: CertificateStore([fixture.authority.certificate])) {
            RFC5280Policy(fixedExpiryValidationTime: now.date)
            Lenient()
        }
        if case .validCertificate = await verifier.validate(leaf: leaf, intermediates: CertificateStore()) {
            return true
        }
        return false
    }

    @Test func `Whatever is accepted here, RFC 5280 accepts too`() async throws {
        let verifier = try PeerVerifier(
            trustBundle: [fixture.authority.certificateDER], trustDomain: fixture.trustDomain, skew: .zero)
        var generator = SeededGenerator(seed: 11)
        var both = 0
        var theirsAlone = 0
        for round in SeededGenerator.rounds(400) {
            var forge = try fixture.forge()
            // Mostly none or one change, now and then two that might cancel out.
            for _ in 0..<[0, 1, 1, 1, 2][Int.random(in: 0..<5, using: &generator)] {
                let refusal = Refusal.all[Int.random(in: 0..<Refusal.all.count, using: &generator)]
                try refusal.change(&forge, fixture)
            }
            let now = fixture.now + .seconds(Int.random(in: -120...4_000, using: &generator))
            let der = try forge.der()
            let ours = verifier.verify(chain: [der], expecting: .client(of: fixture.tunnel), now: now).code
            let theirs = await isValid(der, at: now)
            #expect(ours != nil || theirs, "round \(round)")
            both += ours == nil && theirs ? 1 : 0
            theirsAlone += ours != nil && theirs ? 1 : 0
        }
        // Neither side says the same to everything.
        #expect(both > 20)
        #expect(theirsAlone > 20)
    }

    @Test func `Leaves and the authority as they are issued satisfy RFC 5280`() async throws {
        for identity in [try fixture.clientIdentity, try fixture.listenerIdentity] {
            let leaf = try fixture.leaf(identity)
            let der = try #require(leaf.chain.first)
            #expect(await isValid(der, at: fixture.now))
            #expect(await isValid(der, at: leaf.notAfter))
            #expect(await !isValid(der, at: leaf.notAfter + .seconds(1)))
        }
    }
}
