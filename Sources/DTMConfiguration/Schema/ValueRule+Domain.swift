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
