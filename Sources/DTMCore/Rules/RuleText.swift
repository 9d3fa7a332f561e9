/// One term of a rule as it was written: `prefix:value`, or a word.
///
/// A rule is terms joined by `+`. In a value, `%` and two hexadecimal digits stand for a byte (RFC 3986, section 2.1), so
/// that a `+` is written `%2B` and a `%` is written `%25`.
struct RuleText {
    /// The whole rule.
    let rule: String
    /// This term of it.
    let term: String
    let isFirst: Bool
    /// What stands before the first colon; the whole term when there is none.
    let prefix: String
    /// What stands behind it, not decoded; nil when there is no colon.
    let value: String?

    static let maximumTerms = 8
    /// A path of the greatest length with every byte of it encoded, and room for other terms.
    static let maximumBytes = 16_384

    private init(rule: String, term: Substring, isFirst: Bool) {
        self.rule = rule
        self.term = String(term)
        self.isFirst = isFirst
        let parts = term.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        prefix = String(parts.first ?? "")
        value = parts.count == 2 ? String(parts[1]) : nil
    }

    /// The terms of a rule, at least one.
    static func terms(of rule: String) throws(RuleError) -> [Self] {
        guard rule.utf8.count <= maximumBytes else { throw .tooLong(rule, allowed: "at most \(maximumBytes) bytes") }
        let terms = rule.split(separator: "+", maxSplits: maximumTerms, omittingEmptySubsequences: false)
        guard terms.count <= maximumTerms else { throw .tooLong(rule, allowed: "at most \(maximumTerms) terms") }
        return terms.enumerated().map { Self(rule: rule, term: $0.element, isFirst: $0.offset == 0) }
    }

    /// The term for messages, with the rule that it is in.
    var subject: String {
        term == rule ? RuleError.quoted(term) : "\(RuleError.quoted(term)) in \(RuleError.quoted(rule))"
    }
}

/// Percent-encoding of values.
enum PercentCoding {
    /// Nil when a `%` stands before anything but two hexadecimal digits, and when the bytes are not UTF-8.
    static func decode(_ text: some StringProtocol) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let digits = String(validating: rest.prefix(2), as: UTF8.self), digits.utf8.count == 2,
                let decoded = Hexadecimal.decode(digits)
            else { return nil }
            bytes += decoded
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Encodes what has a meaning of its own in a rule, and what a person would not see.
    static func encode(_ text: String, also further: String = "") -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isPlain =
                !scalar.isInvisible && !scalar.properties.isWhitespace && !"%+".unicodeScalars.contains(scalar)
                && !further.unicodeScalars.contains(scalar)
            guard !isPlain else {
                result.append(scalar)
                continue
            }
            for byte in String(scalar).utf8 {
                result.append(contentsOf: "%\(Hexadecimal.encode([byte]).uppercased())".unicodeScalars)
            }
        }
        return String(result)
    }

}
