/// One rule of a policy: whom it lets in. A policy is a list of them, and who matches none stays out.
///
/// A rule is one term, or several joined by `+` that have to hold together: `uid:1000+exe:/usr/bin/redis-cli`. In a value a
/// `+` is written `%2B` and a `%` is written `%25`; `%` and two hexadecimal digits stand for any byte.
public struct PolicyRule: Hashable, Sendable, CustomStringConvertible {
    /// What has to hold, at least one.
    public let terms: [PolicyTerm]

    /// The most terms of a rule.
    public static let maximumTerms = RuleText.maximumTerms
    /// The longest rule in bytes, as it is written.
    public static let maximumBytes = RuleText.maximumBytes
    /// What is allowed, for messages.
    public static let forms = "\(PolicyTerm.forms), and several of them joined by +"

    /// Reads a rule.
    ///
    /// - Throws: ``RuleError`` that names the rule, what is allowed, and the nearest form when a prefix looks mistyped.
    public init(_ text: String) throws(RuleError) {
        var terms: [PolicyTerm] = []
        for term in try RuleText.terms(of: text) { terms.append(try PolicyTerm(term)) }
        try Self.check(terms, of: text)
        self.terms = terms
    }

    /// Whether it can be decided only where the program behind a connection is known.
    public var needsProgram: Bool { terms.contains(where: \.needsProgram) }

    /// Whether the digest of the program's file is asked for, which takes reading the file.
    public var needsHash: Bool { terms.contains { $0.prefix == .hash } }

    /// Whether everyone whom this rule lets in is let in by `other` too, as far as the terms themselves tell.
    public func isWithin(_ other: Self) -> Bool {
        other.terms == [.anyLocal] && !terms.contains { $0.prefix == .spiffe }
            || Set(other.terms).isSubset(of: terms)
    }

    /// The rule as one would write it.
    public var description: String { terms.map(\.description).joined(separator: "+") }

    /// One may be in many groups; everything else one has once.
    private static func check(_ terms: [PolicyTerm], of text: String) throws(RuleError) {
        let single = terms.map(\.prefix).filter { $0 != .gid && $0 != .group }
        guard Set(single).count == single.count else {
            throw .contradiction(text, allowed: "each kind of term once in a rule, gid and group excepted")
        }
        guard terms.count == 1 || !single.contains(.spiffe) else {
            throw .contradiction(
                text,
                allowed:
                    "a SPIFFE ID as a rule by itself: it names a client on another host, of which nothing else is known"
            )
        }
    }
}
