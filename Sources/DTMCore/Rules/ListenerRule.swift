/// One rule of the automatic tunnels: which listeners it is about. Written as ``PolicyRule`` is, with terms of its own:
/// `app:redis*+user:alice`.
public struct ListenerRule: Hashable, Sendable, CustomStringConvertible {
    /// What has to hold, at least one.
    public let terms: [ListenerTerm]

    /// The most rules of a list.
    public static let maximumCount = 256
    /// What is allowed, for messages.
    public static let forms = "\(ListenerTerm.forms), and several of them joined by +"

    /// Reads a rule.
    ///
    /// - Throws: ``RuleError`` that names the rule, what is allowed, and the nearest form when a prefix looks mistyped.
    public init(_ text: String) throws(RuleError) {
        var terms: [ListenerTerm] = []
        for term in try RuleText.terms(of: text) { terms.append(try ListenerTerm(term)) }
        let kinds = terms.map(\.prefix)
        guard Set(kinds).count == kinds.count else {
            throw .contradiction(text, allowed: "each kind of term once in a rule")
        }
        self.terms = terms
    }

    /// A rule of one term, which is within its bounds.
    public init(_ term: ListenerTerm) { terms = [term] }

    /// The rule as one would write it.
    public var description: String { terms.map(\.description).joined(separator: "+") }
}
