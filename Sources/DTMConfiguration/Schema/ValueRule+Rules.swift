import DTMCore

extension ValueRule<[String]> {
    static var maximumRules: Int { 64 }

    /// Rules of a tunnel's policy, as they were written.
    static var policyRules: Self {
        Self(
            allowed: "1 to \(maximumRules) policy rules",
            reading: { node, path, reader in
                RuleList(counts: 1...maximumRules, noun: "policy rule", example: "uid:1000").read(node, path, &reader) {
                    text throws(RuleError) in
                    _ = try PolicyRule(text)
                    return text
                }
            }, write: { .array($0.map(JSONNode.string)) })
    }
}

extension ValueRule<[ListenerRule]> {
    static var maximumRules: Int { 64 }

    /// Rules of the automatic tunnels.
    static var listenerRules: Self {
        Self(
            allowed: "at most \(maximumRules) listener rules",
            reading: { node, path, reader in
                RuleList(counts: 0...maximumRules, noun: "listener rule", example: "app:redis*")
                    .read(node, path, &reader) { text throws(RuleError) in try ListenerRule(text) }
            }, write: { .array($0.map { .string($0.description) }) })
    }
}

extension ValueRule<[ProtectedRule]> {
    static var maximumRules: Int { 64 }

    /// Whom no response cuts off.
    static var protectedRules: Self {
        Self(
            allowed: "at most \(maximumRules) rules",
            reading: { node, path, reader in
                RuleList(counts: 0...maximumRules, noun: "rule", example: "uid:1000")
                    .read(node, path, &reader) { text throws(RuleError) in try ProtectedRule(text) }
            }, write: { .array($0.map { .string($0.description) }) })
    }
}

/// A list of rules, each of which is judged by itself.
private struct RuleList {
    let counts: ClosedRange<Int>
    let noun: String
    let example: String

    func read<Rule>(
        _ node: JSONNode, _ path: ConfigurationPath, _ reader: inout ConfigurationReader,
        _ parse: (String) throws(RuleError) -> Rule
    ) -> [Rule]? {
        guard case .array(let elements) = node.kind, counts.contains(elements.count) else {
            let count = counts.lowerBound == 0 ? "at most" : "\(counts.lowerBound) to"
            reader.refuse(node, at: path, allowed: "\(count) \(counts.upperBound) \(noun)s, as [\"\(example)\"]")
            return nil
        }
        var rules: [Rule] = []
        for (index, element) in elements.enumerated() {
            if let rule = rule(element, path.index(index), &reader, parse) { rules.append(rule) }
        }
        return rules.count == elements.count ? rules : nil
    }

    private func rule<Rule>(
        _ node: JSONNode, _ path: ConfigurationPath, _ reader: inout ConfigurationReader,
        _ parse: (String) throws(RuleError) -> Rule
    ) -> Rule? {
        guard case .string(let text) = node.kind else {
            reader.refuse(node, at: path, allowed: "a \(noun), as \"\(example)\"")
            return nil
        }
        do throws(RuleError) {
            return try parse(text)
        } catch {
            reader.refuse(node, at: path, allowed: error.allowed, nearest: error.nearest)
            return nil
        }
    }
}
