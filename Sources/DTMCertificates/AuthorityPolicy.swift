/// How long certificates live, and how an authority is replaced.
public struct AuthorityPolicy: Hashable, Sendable {
    /// How long a leaf is valid. An hour: what a revocation that gets lost can cost.
    public let leafLifetime: Duration
    /// What is always left of a leaf's lifetime when it is renewed: how long control may be away before connections
    /// fail.
    public let renewalMargin: Duration
    /// How long an authority is valid.
    public let authorityLifetime: Duration
    /// On demand, how long a new authority is in the trust bundle before it issues. Peers learn of it by push, in
    /// milliseconds.
    public let publicationLead: Duration

    /// The longest life of an authority: ten years.
    public static let maximumAuthorityLifetime: Duration = .seconds(10 * 365 * 86_400)

    /// A leaf lives an hour and is renewed with 20 minutes left; an authority lives 30 days.
    public static let defaults = AuthorityPolicy(
        leaf: .seconds(3_600), margin: .seconds(1_200), authority: .seconds(30 * 86_400), lead: .seconds(30))

    /// - Throws: ``CertificatesError`` of code `policy`: a leaf lives at least 2 seconds and the margin less than it;
    ///   an authority lives at least four times as long as a leaf (see ``AuthoritySet``) and at most ten years; the
    ///   lead is at most a leaf's life.
    public init(
        leafLifetime: Duration = defaults.leafLifetime, renewalMargin: Duration = defaults.renewalMargin,
        authorityLifetime: Duration = defaults.authorityLifetime, publicationLead: Duration = defaults.publicationLead
    ) throws(CertificatesError) {
        guard leafLifetime >= .seconds(2) else {
            throw CertificatesError(.policy, "leaves would live \(leafLifetime); the least is 2 seconds")
        }
        guard renewalMargin >= .zero, renewalMargin < leafLifetime else {
            throw CertificatesError(
                .policy, "the renewal margin of \(renewalMargin) must be shorter than a leaf's life of \(leafLifetime)")
        }
        guard authorityLifetime <= Self.maximumAuthorityLifetime, authorityLifetime >= leafLifetime * 4 else {
            throw CertificatesError(
                .policy,
                "an authority's life of \(authorityLifetime) must be at least four times a leaf's (\(leafLifetime)) "
                    + "and at most 10 years")
        }
        guard publicationLead >= .zero, publicationLead <= leafLifetime else {
            throw CertificatesError(
                .policy, "the publication lead of \(publicationLead) must be at most a leaf's life of \(leafLifetime)")
        }
        self.init(leaf: leafLifetime, margin: renewalMargin, authority: authorityLifetime, lead: publicationLead)
    }

    private init(leaf: Duration, margin: Duration, authority: Duration, lead: Duration) {
        leafLifetime = leaf
        renewalMargin = margin
        authorityLifetime = authority
        publicationLead = lead
    }
}
