import DTMCertificates
import DTMCore
import DTMTunnel
import Testing

@testable import DTMDataPlane

@Suite("A leaf key and its certificate")
struct LeafCredentialTests {
    private let now = AnchoredClock().now()
    private let authority: Authority
    private let identity: SPIFFEID

    init() throws {
        authority = try Authority(trustDomain: "td", lifetime: .seconds(86_400), now: now)
        identity = try #require(SPIFFEID.tunnel(.random(), in: "td"))
    }

    private func issue(_ request: [UInt8]) throws -> [[UInt8]] {
        try authority.issue(request: request, identity: identity, lifetime: .seconds(3_600), now: now).chain
    }

    @Test("a certificate that was asked for is taken, once")
    func taken() throws {
        var leaf = LeafCredential()
        let chain = try issue(try leaf.request(now: now))
        #expect(leaf.credential == nil)
        let isTaken = leaf.adopt(chain: chain, renewAt: now + .seconds(100))
        #expect(isTaken)
        #expect(leaf.credential?.chain == chain)
        #expect(leaf.renewAt == now + .seconds(100))
        let isTakenAgain = leaf.adopt(chain: chain, renewAt: now)
        #expect(!isTakenAgain)
    }

    @Test("the certificate of another key is not: nobody could shake hands with it")
    func otherKey() throws {
        var leaf = LeafCredential()
        var other = LeafCredential()
        _ = try leaf.request(now: now)
        for chain in [try issue(try other.request(now: now)), [], [[1, 2, 3]]] {
            let isTaken = leaf.adopt(chain: chain, renewAt: now)
            #expect(!isTaken)
        }
        #expect(leaf.credential == nil)
    }

    @Test("an answer that does not come is asked for again, and a late one is still good")
    func askedAgain() throws {
        var leaf = LeafCredential()
        let first = try leaf.request(now: now)
        let again = try #require(leaf.renewAt)
        #expect(again > now)
        _ = try leaf.request(now: again)
        let isTaken = leaf.adopt(chain: try issue(first), renewAt: now + .seconds(100))
        #expect(isTaken)
    }
}
