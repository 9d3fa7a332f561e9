import DTMCore

/// How the value of a key is read, checked and written.
struct ValueRule<Value: Sendable>: Sendable {
    /// What is allowed, for messages and for the documentation.
    let allowed: String
    /// The unit; nil where there is none.
    let unit: String?
    /// Returns nil and says why to the reader when the value is not allowed.
    let read: @Sendable (JSONNode, ConfigurationPath, inout ConfigurationReader) -> Value?
    let write: @Sendable (Value) -> JSONNode

    init(
        allowed: String, unit: String? = nil,
        reading read: @escaping @Sendable (JSONNode, ConfigurationPath, inout ConfigurationReader) -> Value?,
        write: @escaping @Sendable (Value) -> JSONNode
    ) {
        self.allowed = allowed
        self.unit = unit
        self.read = read
        self.write = write
    }

    /// A rule that either converts the value or does not allow it.
    init(
        allowed: String, unit: String? = nil, choices: [String] = [],
        convert: @escaping @Sendable (JSONNode) -> Value?, write: @escaping @Sendable (Value) -> JSONNode
    ) {
        self.init(
            allowed: allowed, unit: unit,
            reading: { node, path, reader in
                if let value = convert(node) { return value }
                reader.refuse(node, at: path, allowed: allowed, choices: choices)
                return nil
            }, write: write)
    }

    /// The same rule for a value that may be absent from the section; a key that is written still has to hold a value.
    var optional: ValueRule<Value?> {
        ValueRule<Value?>(
            allowed: allowed, unit: unit,
            reading: { node, path, reader in read(node, path, &reader).map(Optional.some) },
            write: { $0.map(write) ?? JSONNode(.null) })
    }
}

extension ValueRule<Double> {
    static func number(_ range: ClosedRange<Double>) -> Self {
        Self(
            allowed: "\(JSONNumber.shortest(range.lowerBound)) to \(JSONNumber.shortest(range.upperBound))",
            convert: { number(in: range, $0) }, write: JSONNode.number)
    }

    static func seconds(_ range: ClosedRange<Double>) -> Self {
        let rule = number(range)
        return Self(allowed: rule.allowed, unit: "seconds", reading: rule.read, write: rule.write)
    }

    /// 0 switches the thing off.
    static func secondsOrOff(_ range: ClosedRange<Double>) -> Self {
        let bounds = "\(JSONNumber.shortest(range.lowerBound)) to \(JSONNumber.shortest(range.upperBound))"
        return Self(
            allowed: "0 for never, or \(bounds)", unit: "seconds",
            convert: { number(in: 0...0, $0) ?? number(in: range, $0) }, write: JSONNode.number)
    }

    private static func number(in range: ClosedRange<Double>, _ node: JSONNode) -> Double? {
        guard case .number(let number) = node.kind, range.contains(number.value) else { return nil }
        return number.value
    }
}

extension ValueRule<Int> {
    static func count(_ range: ClosedRange<Int>, unit: String? = nil) -> Self {
        Self(
            allowed: "a whole number, \(range.lowerBound) to \(range.upperBound)", unit: unit,
            convert: { node in
                guard case .number(let number) = node.kind, let value = number.integer, range.contains(value) else {
                    return nil
                }
                return value
            }, write: JSONNode.number)
    }
}

extension ValueRule<Bool> {
    static var flag: Self {
        Self(
            allowed: "true or false",
            convert: { node in
                guard case .boolean(let value) = node.kind else { return nil }
                return value
            }, write: JSONNode.boolean)
    }
}

extension ValueRule where Value: RawRepresentable<String> & CaseIterable {
    /// One of the cases, by its raw value.
    static var choice: Self {
        let choices = Value.allCases.map(\.rawValue)
        return Self(
            allowed: choices.map { "\"\($0)\"" }.joined(separator: ", "), choices: choices,
            convert: { node in
                guard case .string(let text) = node.kind else { return nil }
                return Value(rawValue: text)
            }, write: { .string($0.rawValue) })
    }
}
