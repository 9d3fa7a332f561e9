public import DTMCore

/// The authority that issues, the one that will follow it, and those whose leaves are still about.
///
/// An authority is replaced in three steps, so that no peer ever meets a leaf whose authority it does not know:
///
/// 1. *published*: the new one is in the trust bundle, the old one issues. By the schedule this lasts a leaf's
///    lifetime, in which every peer has renewed its leaf and got the bundle with it; on demand,
///    ``AuthorityPolicy/publicationLead``.
/// 2. *issuing*: the new one issues. The old one's key is wiped; its certificate stays in the bundle.
/// 3. *dropped*: the last leaf of the old one has expired; its certificate leaves the bundle.
///
/// A value: it changes in ``advance(now:)`` and ``replace(_:now:)`` only, which say what they changed. Call the first
/// at ``nextChangeAt``; being late is safe.
public struct AuthoritySet: Sendable {
    /// The lifetimes by which it issues and replaces.
    public let policy: AuthorityPolicy
    /// One for all its authorities: identities outlive them.
    public let trustDomain: String
    /// The authority that issues.
    public private(set) var issuing: Authority
    /// Published, not issuing yet.
    public private(set) var successor: Successor?
    /// Not issuing any more, still trusted; the latest first.
    public private(set) var retiring: [Retired] = []

    /// An authority that waits for its turn.
    public struct Successor: Sendable {
        /// It is in the trust bundle already.
        public let authority: Authority
        /// When it begins to issue.
        public fileprivate(set) var issuesFrom: Timestamp
    }

    /// What is left of an authority that issues no more: no key.
    public struct Retired: Hashable, Sendable {
        /// Of the authority.
        public let serial: SerialNumber
        /// Still in the trust bundle.
        public let certificateDER: [UInt8]
        /// The beginning of its validity.
        public let notBefore: Timestamp
        /// The last moment of its validity.
        public let notAfter: Timestamp
        /// When its last leaf has expired.
        public let droppedAt: Timestamp
    }

    /// What a call changed; serial numbers name authorities. After any of them the bundle is to be sent out again.
    public enum Change: Hashable, Sendable {
        /// It is in the trust bundle from now on.
        case published(SerialNumber)
        /// It issues from now on.
        case issuing(SerialNumber)
        /// It is no longer in the trust bundle.
        case dropped(SerialNumber)
    }

    /// How an authority is replaced on demand.
    public enum Replacement: Hashable, Sendable {
        /// In the three steps: nobody notices.
        case orderly
        /// At once, for an authority that can't be trusted any more: all leaves are void, and everyone needs a new one.
        case immediate
    }

    /// Starts with one new authority.
    public init(policy: AuthorityPolicy = .defaults, trustDomain: String, now: Timestamp) throws(CertificatesError) {
        self.policy = policy
        self.trustDomain = trustDomain
        issuing = try Authority(trustDomain: trustDomain, lifetime: policy.authorityLifetime, now: now)
    }

    init(
        policy: AuthorityPolicy, trustDomain: String, issuing: Authority, successor: Successor?, retiring: [Retired]
    ) {
        self.policy = policy
        self.trustDomain = trustDomain
        self.issuing = issuing
        self.successor = successor
        self.retiring = retiring
    }

    /// The certificates that peers shall trust, in DER, the one that issues first.
    public var trustBundle: [[UInt8]] {
        [issuing.certificateDER] + (successor.map { [$0.authority.certificateDER] } ?? [])
            + retiring.map(\.certificateDER)
    }

    /// The next moment at which ``advance(now:)`` has something to do.
    public var nextChangeAt: Timestamp {
        retiring.map(\.droppedAt).reduce(successor?.issuesFrom ?? publicationDue, min)
    }

    /// Issues a leaf by the authority in force, with the policy's lifetime and margin. Call ``advance(now:)`` before.
    public func issue(
        request: [UInt8], identity: SPIFFEID, jitter: Double = .random(in: 0..<1), now: Timestamp
    ) throws(CertificatesError) -> IssuedLeaf {
        try issuing.issue(
            request: request, identity: identity, lifetime: policy.leafLifetime, renewalMargin: policy.renewalMargin,
            jitter: jitter, now: now)
    }

    /// Does what is due. Doing it twice changes nothing.
    ///
    /// - Throws: ``CertificatesError`` when a new authority can't be made; the set is as it was, and a later call tries
    ///   again.
    public mutating func advance(now: Timestamp) throws(CertificatesError) -> [Change] {
        var changes: [Change] = []
        if successor == nil, now >= publicationDue {
            changes.append(try publish(issuesFrom: now + scheduledLead(now: now), now: now))
        }
        if let due = successor, now >= due.issuesFrom {
            changes.append(promote(due.authority, now: now))
        }
        changes += drop { $0.droppedAt <= now }
        return changes
    }

    /// Replaces the authority ahead of its time.
    ///
    /// - Throws: ``CertificatesError`` when a new authority can't be made; the set is as it was.
    public mutating func replace(_ replacement: Replacement, now: Timestamp) throws(CertificatesError) -> [Change] {
        switch replacement {
        case .orderly:
            let due = now + policy.publicationLead
            if let waiting = successor {
                successor?.issuesFrom = min(waiting.issuesFrom, due)
                return try advance(now: now)
            }
            return [try publish(issuesFrom: due, now: now)] + (try advance(now: now))
        case .immediate:
            // One that was published already may be known to whoever is the reason for this: it goes too.
            let authority = try newAuthority(now: now)
            let published = successor.map { [Change.dropped($0.authority.serial)] } ?? []
            successor = nil
            return [.published(authority.serial), promote(authority, now: now)] + published + drop { _ in true }
        }
    }

    /// A third of an authority's life before its end, and never less than three lives of a leaf: one to publish, one to
    /// retire, one in hand.
    private var publicationDue: Timestamp {
        issuing.notAfter - max(policy.authorityLifetime / 3, policy.leafLifetime * 3)
    }

    /// A leaf's life; nothing when the authority could not issue whole leaves until then, as after a long sleep of the
    /// host.
    private func scheduledLead(now: Timestamp) -> Duration {
        now + policy.leafLifetime * 2 <= issuing.notAfter ? policy.leafLifetime : .zero
    }

    private func newAuthority(now: Timestamp) throws(CertificatesError) -> Authority {
        try Authority(trustDomain: trustDomain, lifetime: policy.authorityLifetime, now: now)
    }

    private mutating func publish(issuesFrom: Timestamp, now: Timestamp) throws(CertificatesError) -> Change {
        let authority = try newAuthority(now: now)
        successor = Successor(authority: authority, issuesFrom: issuesFrom)
        return .published(authority.serial)
    }

    private mutating func promote(_ authority: Authority, now: Timestamp) -> Change {
        let old = issuing
        // Until `now` the old one may have issued, whenever its successor was due.
        retiring.insert(
            Retired(
                serial: old.serial, certificateDER: old.certificateDER, notBefore: old.notBefore,
                notAfter: old.notAfter, droppedAt: min(old.notAfter, now + policy.leafLifetime)),
            at: 0)
        issuing = authority
        successor = nil
        return .issuing(authority.serial)
    }

    private mutating func drop(where isDue: (Retired) -> Bool) -> [Change] {
        let due = retiring.filter(isDue)
        retiring.removeAll(where: isDue)
        return due.map { .dropped($0.serial) }
    }
}
