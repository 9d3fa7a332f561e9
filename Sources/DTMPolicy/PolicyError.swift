public import DTMCore

/// Why a policy could not be read.
public struct PolicyError: DescribedError, Equatable {
    /// What went wrong.
    public enum Code: String, Sendable {
        case unknownRule, badValue, tooManyRules
    }

    public let code: Code
    public let message: String
    public let hint: String?

    public var codeName: String { "policy.\(code.rawValue)" }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    static func unknownRule(_ text: String, nearest: String?) -> Self {
        Self(
            code: .unknownRule,
            message: "\(quoted(text)) is not a rule; allowed are \(PolicyRule.forms)",
            hint: nearest.map { "did you mean \($0)?" })
    }

    static func badValue(_ text: String, form: String, allowed: String) -> Self {
        Self(
            code: .badValue, message: "the value of rule \(quoted(text)) is not valid; allowed is \(allowed)",
            hint: "write it as \(form)")
    }

    static func tooManyRules(_ count: Int) -> Self {
        Self(
            code: .tooManyRules,
            message: "a policy of \(count) rules was given; allowed are at most \(AdmissionPolicy.maximumRules)",
            hint: "put the users into a group and allow the group")
    }

    /// The text between quotes, cut short and without control characters: it comes from outside.
    private static func quoted(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(64).map { scalar in
            scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
                ? "\u{FFFD}" : Character(scalar)
        }
        return "'\(String(shown))\(text.unicodeScalars.count > 64 ? "…" : "")'"
    }
}
