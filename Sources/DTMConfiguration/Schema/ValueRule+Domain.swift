import DTMCore

extension ValueRule<ClosedRange<UInt16>> {
    /// The ports below are privileged (`ip(7)`): a moving listener has no business there.
    static var lowestPort: UInt16 { 1_024 }

    static var portRange: Self {
        Self(
            allowed: "[lowest, highest], ports from \(lowestPort) to 65535, both included",
            convert: { node in
                guard case .array(let elements) = node.kind, elements.count == 2, let lowest = port(elements[0]),
                    let highest = port(elements[1]), lowest <= highest
                else { return nil }
                return lowest...highest
            }, write: { .array([.number(Int($0.lowerBound)), .number(Int($0.upperBound))]) })
    }

    private static func port(_ node: JSONNode) -> UInt16? {
        guard case .number(let number) = node.kind, let value = number.integer.flatMap({ UInt16(exactly: $0) }) else {
            return nil
        }
        return value >= lowestPort ? value : nil
    }
}

extension ValueRule<TunnelName> {
    static var tunnelName: Self {
        Self(
            allowed: TunnelName.rule,
            convert: { node in
                guard case .string(let text) = node.kind else { return nil }
                return TunnelName(text)
            }, write: { .string($0.text) })
    }
}

extension ValueRule<Target> {
    static var target: Self {
        Self(
            allowed:
                "\"host:port\", \"[address]:port\" or \"unix:/path\" "
                + "(at most \(Target.maximumUnixPathBytes) bytes of path)",
            convert: { node in
                guard case .string(let text) = node.kind else { return nil }
                return Target(text)
            }, write: { .string($0.description) })
    }
}

extension ValueRule<String> {
    /// A name at a model provider.
    static var modelName: Self {
        Self(
            allowed: "1 to 128 visible ASCII characters",
            convert: { node in
                guard case .string(let text) = node.kind, (1...128).contains(text.utf8.count),
                    text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
                else { return nil }
                return text
            }, write: JSONNode.string)
    }
}

extension ValueRule<[String]> {
    static var maximumRules: Int { 64 }

    /// Rules of the policy, each judged by the reader's context.
    static var policyRules: Self {
        Self(
            allowed: "1 to \(maximumRules) policy rules",
            reading: { node, path, reader in
                guard case .array(let elements) = node.kind, (1...maximumRules).contains(elements.count) else {
                    reader.refuse(node, at: path, allowed: "1 to \(maximumRules) policy rules, as [\"uid:1000\"]")
                    return nil
                }
                let rules = elements.enumerated().compactMap { index, element in
                    policyRule(element, at: path.index(index), &reader)
                }
                return rules.count == elements.count ? rules : nil
            }, write: { .array($0.map(JSONNode.string)) })
    }

    private static func policyRule(
        _ node: JSONNode, at path: ConfigurationPath, _ reader: inout ConfigurationReader
    ) -> String? {
        guard case .string(let rule) = node.kind else {
            reader.refuse(node, at: path, allowed: "a policy rule, as \"uid:1000\"")
            return nil
        }
        guard let allowed = reader.context.ruleProblem(rule) else { return rule }
        let prefix = String(rule.prefix { $0 != ":" })
        let choices = ConfigurationContext.rulePrefixes + ["any-local"]
        reader.refuse(node, at: path, allowed: allowed, nearest: NearestName.of(prefix, among: choices))
        return nil
    }
}
