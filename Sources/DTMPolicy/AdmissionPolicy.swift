public import DTMCore

/// Who may connect to a tunnel: rules that let callers in, tried in order. A pure value.
public struct AdmissionPolicy: Hashable, Sendable {
    /// Empty: the default applies, which is the user who owns the application, and root.
    public let rules: [PolicyRule]

    /// The most rules that a policy may hold.
    public static let maximumRules = 256

    /// The policy without rules of its own.
    public static let standard = Self(rules: [PolicyRule]())

    private init(rules: [PolicyRule]) { self.rules = rules }

    /// - Throws: ``PolicyError`` when there are too many.
    public init(checking rules: [PolicyRule]) throws(PolicyError) {
        guard rules.count <= Self.maximumRules else { throw .tooManyRules(rules.count) }
        self.rules = rules
    }

    /// Reads rules as users write them; nil or none stand for the default.
    ///
    /// - Throws: ``PolicyError`` for the first rule that is not one, and when there are too many.
    public init(rules texts: [String]?) throws(PolicyError) {
        var rules: [PolicyRule] = []
        for text in texts ?? [] { rules.append(try PolicyRule(text)) }
        try self.init(checking: rules)
    }

    /// The rules as one would write them; empty for the default.
    public var texts: [String] { rules.map(\.description) }

    /// Decides about `caller`.
    ///
    /// - Parameter ownerUID: The user of the application behind the tunnel; nil when there is none on this host or it
    ///   can't be told. The default then lets in root alone, unless the manager passes its own uid in place of an
    ///   owner.
    public func decide(caller: LocalCaller, ownerUID: UInt32?) -> AdmissionDecision {
        guard !rules.isEmpty else { return Self.decideByDefault(caller, ownerUID) }
        guard let rule = rules.first(where: { $0.matches(caller) }) else {
            return AdmissionDecision(
                allowed: false, rule: nil,
                reason: "\(caller) matches no rule of the policy (\(Self.summary(texts)))")
        }
        return AdmissionDecision(allowed: true, rule: "\(rule)", reason: "\(caller) matches rule \(rule)")
    }

    private static func decideByDefault(_ caller: LocalCaller, _ ownerUID: UInt32?) -> AdmissionDecision {
        if let ownerUID, caller.uid == ownerUID {
            return AdmissionDecision(allowed: true, rule: "owner", reason: "\(caller) owns the application")
        }
        if caller.uid == 0 {
            return AdmissionDecision(allowed: true, rule: "root", reason: "\(caller) is root")
        }
        let owner = ownerUID.map { "its owner is uid \($0)" } ?? "its owner is not known"
        return AdmissionDecision(
            allowed: false, rule: nil,
            reason: "\(caller) is neither the application's owner nor root (\(owner); no rules are set)")
    }

    /// The rules in one line that stays short.
    private static func summary(_ texts: [String]) -> String {
        let shown = texts.prefix(8).joined(separator: ", ")
        return texts.count > 8 ? "\(shown) and \(texts.count - 8) more" : shown
    }
}

extension PolicyRule {
    /// Whether the rule lets `caller` in.
    public func matches(_ caller: LocalCaller) -> Bool {
        switch self {
        case .uid(let uid): caller.uid == uid
        case .user(let name): caller.userName == name
        case .gid(let gid): caller.isMember(of: gid)
        case .group(let name): caller.groupNames.contains(name)
        case .anyLocal: true
        }
    }
}
