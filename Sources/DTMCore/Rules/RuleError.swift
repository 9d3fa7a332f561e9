/// Why a text is no rule. It names the rule, what is allowed in its place, and the nearest form when one is near.
public struct RuleError: DescribedError, Equatable {
    /// What went wrong; a stable name.
    public enum Code: String, Sendable, CaseIterable {
        /// A prefix that there is not.
        case unknownRule
        /// A value that the prefix does not take.
        case badValue
        /// Terms that can't hold together.
        case contradiction
        /// Too long a text, or too many terms.
        case tooLong
        /// More rules than a policy may hold.
        case tooManyRules
    }

    public let code: Code
    public let message: String
    public let hint: String?
    /// What is allowed in place of it, without the rule.
    public let allowed: String
    /// The form that was probably meant, as `user:NAME`.
    public let nearest: String?

    /// `rule.` and the code.
    public var codeName: String { "rule.\(code.rawValue)" }

    /// Equality on the code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    init(_ code: Code, message: String, allowed: String, hint: String? = nil, nearest: String? = nil) {
        self.code = code
        self.message = message
        self.allowed = allowed
        self.hint = hint
        self.nearest = nearest
    }

    /// A list of rules that is too long.
    public static func tooManyRules(_ count: Int, maximum: Int) -> Self {
        Self(
            .tooManyRules, message: "\(count) rules were given; allowed are at most \(maximum)",
            allowed: "at most \(maximum) rules", hint: "put the users into a group and allow the group")
    }
}

extension RuleError {
    static func unknown(_ term: RuleText, forms: String, nearest: String?) -> Self {
        let joined = term.isFirst ? nil : "+ joins terms; inside a value it is written %2B"
        return Self(
            .unknownRule, message: "\(term.subject) is not a rule; allowed are \(forms)", allowed: forms,
            hint: nearest.map { "did you mean \($0)?" } ?? joined, nearest: nearest)
    }

    static func badValue(_ term: RuleText, form: String, allowed: String) -> Self {
        Self(
            .badValue, message: "the value of rule \(term.subject) is not valid; allowed is \(allowed)",
            allowed: "\(form), where the value is \(allowed)", hint: "write it as \(form)")
    }

    static func contradiction(_ rule: String, allowed: String) -> Self {
        Self(
            .contradiction, message: "\(quoted(rule)) can hold for nobody; allowed is \(allowed)", allowed: allowed,
            hint: "rules in a list are alternatives; terms joined by + have to hold together")
    }

    static func tooLong(_ rule: String, allowed: String) -> Self {
        Self(.tooLong, message: "\(quoted(rule)) is too long; allowed is \(allowed)", allowed: allowed)
    }

    /// The text between quotes, cut short and without control characters: it comes from outside.
    static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let start = scalars.prefix(64).map { $0.isInvisible ? "\u{FFFD}" : Character($0) }
        return "'\(String(start))\(scalars.dropFirst(64).isEmpty ? "" : "…")'"
    }
}

extension Unicode.Scalar {
    /// Control and format characters, which change what a person sees of a text.
    var isInvisible: Bool { properties.generalCategory == .control || properties.generalCategory == .format }
}
