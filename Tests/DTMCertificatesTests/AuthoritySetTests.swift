import DTMTestSupport
import DTMCore
import Testing

@testable import DTMCertificates

private let day: Duration = .seconds(86_400)
private let hour: Duration = .seconds(3_600)

@Suite struct AuthorityPolicyTests {
    @Test func `The defaults satisfy their own rules`() throws {
        #expect(try AuthorityPolicy() == .defaults)
    }

    @Test(arguments: [
        (Duration.seconds(1), Duration.zero, day, Duration.zero),
        (hour, hour, day, .zero),
        (hour, .seconds(-1), day, .zero),
        (hour, .zero, .seconds(4 * 3_600 - 1), .zero),
        (hour, .zero, .seconds(11 * 365 * 86_400), .zero),
        (hour, .zero, day, .seconds(3_601)),
        (hour, .zero, day, .seconds(-1)),
    ])
    func `Lifetimes that contradict each other are refused`(
        leaf: Duration, margin: Duration, authority: Duration, lead: Duration
    ) {
        let error = #expect(throws: CertificatesError.self) {
            _ = try AuthorityPolicy(
                leafLifetime: leaf, renewalMargin: margin, authorityLifetime: authority, publicationLead: lead)
        }
        #expect(error?.code == .policy)
    }
}

@Suite struct AuthoritySetTests {
    let start = Fixture.start
    let trustDomain = "00112233445566778899aabbccddeeff"
    var set: AuthoritySet

    init() throws {
        set = try AuthoritySet(trustDomain: trustDomain, now: start)
    }

    @Test func `At first there is one authority, and nothing to do for two thirds of its life`() throws {
        #expect(set.trustBundle == [set.issuing.certificateDER])
        #expect(set.nextChangeAt == start + day * 20)
    }

    @Test
    mutating func
        `By the schedule an authority is published, issues a leaf's life later, and the old one goes after another`()
        throws
    {
        let old = set.issuing
        let early = try set.advance(now: start + day * 20 - .seconds(1))
        #expect(early == [])

        var now = set.nextChangeAt
        let published = try set.advance(now: now)
        let new = try #require(serial(ofPublished: published))
        #expect(set.issuing === old)
        #expect(set.trustBundle == [old.certificateDER, try #require(set.successor).authority.certificateDER])
        let again = try set.advance(now: now)
        #expect(again == [])

        #expect(set.nextChangeAt == now + hour)
        now = set.nextChangeAt
        let promoted = try set.advance(now: now)
        #expect(promoted == [.issuing(new)])
        #expect(set.issuing.serial == new)
        #expect(set.trustBundle == [set.issuing.certificateDER, old.certificateDER])

        #expect(set.nextChangeAt == now + hour)
        now = set.nextChangeAt
        let ended = try set.advance(now: now)
        #expect(ended == [.dropped(old.serial)])
        #expect(set.trustBundle == [set.issuing.certificateDER])
    }

    @Test mutating func `On demand the new authority issues after the publication lead`() throws {
        let old = set.issuing
        let first = try set.replace(.orderly, now: start)
        let new = try #require(serial(ofPublished: first))
        #expect(set.issuing === old)
        #expect(set.nextChangeAt == start + .seconds(30))
        let second = try set.replace(.orderly, now: start + .seconds(10))
        #expect(second == [])
        let promoted = try set.advance(now: start + .seconds(30))
        #expect(promoted == [.issuing(new)])
    }

    @Test mutating func `A demand brings a scheduled replacement forward`() throws {
        let now = set.nextChangeAt
        _ = try set.advance(now: now)
        let demanded = try set.replace(.orderly, now: now)
        #expect(demanded == [])
        #expect(set.nextChangeAt == now + .seconds(30))
    }

    @Test mutating func `An immediate replacement leaves the new authority alone in the bundle`() throws {
        let old = set.issuing
        let orderly = try set.replace(.orderly, now: start)
        let waiting = try #require(serial(ofPublished: orderly))
        let changes = try set.replace(.immediate, now: start)
        #expect(set.trustBundle == [set.issuing.certificateDER])
        #expect(
            changes == [
                .published(set.issuing.serial), .issuing(set.issuing.serial), .dropped(waiting), .dropped(old.serial),
            ])
        #expect(set.successor.map(\.issuesFrom) == nil)
    }

    @Test mutating func `After a sleep beyond the authority's end a new one issues at once`() throws {
        let old = set.issuing
        let now = start + day * 400
        let changes = try set.advance(now: now)
        #expect(changes.count == 3)
        #expect(changes.last == .dropped(old.serial))
        #expect(set.trustBundle == [set.issuing.certificateDER])
        #expect(set.issuing.notAfter > now)
    }

    /// The point of the whole scheme, checked over a simulated half year with late calls and demands in between.
    @Test(arguments: [UInt64(1), 2, 3])
    func `A peer that renews in time always knows the authority of every living leaf`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let policy = try AuthorityPolicy(
            leafLifetime: .seconds(100), renewalMargin: .seconds(33), authorityLifetime: .seconds(500),
            publicationLead: .seconds(5))
        var set = try AuthoritySet(policy: policy, trustDomain: trustDomain, now: start)
        let identity = try #require(SPIFFEID.tunnel(.random(), in: trustDomain))
        let request = try LeafKey().certificateRequest()
        var leaves: [IssuedLeaf] = []
        var now = start
        var replaced = 0
        for _ in 0..<150 {
            now = now + .seconds(Int.random(in: 1...20, using: &generator))
            if Int.random(in: 0..<20, using: &generator) == 0 { _ = try set.replace(.orderly, now: now) }
            let before = set.issuing.serial
            _ = try set.advance(now: now)
            replaced += before == set.issuing.serial ? 0 : 1
            leaves.append(try set.issue(request: request, identity: identity, now: now))
            leaves.removeAll { $0.notAfter < now }
            let verifier = try PeerVerifier(
                trustBundle: set.trustBundle, trustDomain: trustDomain, maximumLifetime: policy.leafLifetime)
            for leaf in leaves {
                #expect(verifier.verify(chain: leaf.chain, expecting: .listener(identity), now: now).code == nil)
            }
        }
        #expect(replaced >= 3)
    }

    @Test func `Leaves carry the policy's lifetime and margin`() throws {
        let identity = try #require(SPIFFEID.tunnel(.random(), in: trustDomain))
        let leaf = try set.issue(
            request: LeafKey().certificateRequest(), identity: identity, jitter: 0, now: start)
        #expect(leaf.notAfter == start + hour)
        #expect(leaf.renewAt == start + .seconds(2_400))
    }

    private func serial(ofPublished changes: [AuthoritySet.Change]) -> SerialNumber? {
        guard changes.count == 1, case .published(let serial)? = changes.first else { return nil }
        return serial
    }
}
