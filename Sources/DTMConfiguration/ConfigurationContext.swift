public import DTMCore

/// What a configuration is checked against and can't know by itself.
public struct ConfigurationContext: Sendable {
    /// Ports that no endpoint uses, as the schedule skips them.
    public var skippedPorts: Set<UInt16>
    /// Says what is allowed in place of a policy rule that it does not accept; nil when it accepts the rule.
    public var ruleProblem: @Sendable (_ rule: String) -> String?

    /// A context. Without arguments: the built-in list of well-known ports, and ``syntaxProblem(ofRule:)``.
    public init(
        skippedPorts: Set<UInt16> = Set(WellKnownPorts.builtIn),
        ruleProblem: @escaping @Sendable (_ rule: String) -> String? = { Self.syntaxProblem(ofRule: $0) }
    ) {
        self.skippedPorts = skippedPorts
        self.ruleProblem = ruleProblem
    }

    /// What policy rules start with; `any-local` is a rule by itself.
    static let rulePrefixes = ["uid", "user", "gid", "group"]

    /// The longest name of a user or group in bytes (`LOGIN_NAME_MAX` of `limits.h`, without its terminating zero).
    private static let maximumNameBytes = 255

    /// Checks the form of a policy rule, for callers that do not have the policy at hand: `uid:N`, `gid:N`,
    /// `user:NAME`, `group:NAME` or `any-local`.
    public static func syntaxProblem(ofRule rule: String) -> String? {
        if rule == "any-local" { return nil }
        let parts = rule.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, rulePrefixes.contains(String(parts[0])) else {
            return "uid:N, gid:N, user:NAME, group:NAME and any-local"
        }
        return parts[0].hasSuffix("id") ? numberProblem(parts[1]) : nameProblem(parts[1])
    }

    /// The id −1 means "none" to the kernel (`chown(2)`), so nobody has it.
    private static func numberProblem(_ text: Substring) -> String? {
        let isDecimal = (1...10).contains(text.utf8.count) && text.utf8.allSatisfy(JSONParser.isDigit)
        guard isDecimal, let number = UInt32(text), number != .max else {
            return "after the colon a decimal number from 0 to \(UInt32.max - 1)"
        }
        return nil
    }

    private static func nameProblem(_ text: Substring) -> String? {
        let isName = text.unicodeScalars.allSatisfy { scalar in
            !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control
                && scalar.properties.generalCategory != .format && !":/,".unicodeScalars.contains(scalar)
        }
        guard isName, (1...maximumNameBytes).contains(text.utf8.count) else {
            return "after the colon 1 to \(maximumNameBytes) printable characters without spaces, ':', '/' and ','"
        }
        return nil
    }
}
