public import DTMCore

/// Who may connect to a tunnel: rules that let in, tried in order. A pure value.
///
/// Rules about the caller (uid, user, gid, group) are decided when a connector asks for its identity:
/// ``decide(caller:ownerUID:connector:)``. Rules about the program (executable, hash, cgroup, unit) can only be decided
/// where each connection's process is known, in a connector that the manager hosts: ``decide(program:ownerUID:)``, which
/// decides all rules anew. What is not known meets no rule.
public struct AdmissionPolicy: Hashable, Sendable {
    /// Empty: the default applies, which is the user who owns the application, and root.
    public let rules: [PolicyRule]

    /// The most rules that a policy may hold.
    public static let maximumRules = 256

    /// The policy without rules of its own.
    public static let standard = Self(rules: [PolicyRule]())

    private init(rules: [PolicyRule]) { self.rules = rules }

    /// - Throws: `RuleError` when there are too many.
    public init(checking rules: [PolicyRule]) throws(RuleError) {
        guard rules.count <= Self.maximumRules else {
            throw .tooManyRules(rules.count, maximum: Self.maximumRules)
        }
        self.rules = rules
    }

    /// Reads rules as users write them; nil or none stand for the default.
    ///
    /// - Throws: `RuleError` for the first rule that is not one, and when there are too many.
    public init(rules texts: [String]?) throws(RuleError) {
        let texts = texts ?? []
        guard texts.count <= Self.maximumRules else {
            throw .tooManyRules(texts.count, maximum: Self.maximumRules)
        }
        var rules: [PolicyRule] = []
        for text in texts { rules.append(try PolicyRule(text)) }
        self.rules = rules
    }

    /// The rules as one would write them; empty for the default.
    public var texts: [String] { rules.map(\.description) }

    /// Whether a rule asks for the program behind a connection.
    public var needsProgram: Bool { rules.contains(where: \.needsProgram) }

    /// Whether a rule asks for the digest of a program's file, which takes reading the file.
    public var needsHash: Bool { rules.contains(where: \.needsHash) }

    /// The rules in one line that stays short.
    var summary: String {
        let shown = rules.prefix(8).map { Self.shown("\($0)") }.joined(separator: ", ")
        return rules.count > 8 ? "\(shown) and \(rules.count - 8) more" : shown
    }

    /// Text for a reason: cut short, for a rule or a path may be thousands of bytes long, and without control characters.
    static func shown(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let start = scalars.prefix(120).map { scalar in
            scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
                ? "\u{FFFD}" : Character(scalar)
        }
        return String(start) + (scalars.dropFirst(120).isEmpty ? "" : "…")
    }
}
