/// A JSON value that knows where it stood.
///
/// Objects keep their members in the order of the file, repeated names included: whoever reads the tree reports them.
package struct JSONNode: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case null
        case boolean(Bool)
        case number(JSONNumber)
        case string(String)
        /// The string value of a member whose name is on the parser's list of hidden names.
        case hidden(HiddenText)
        case array([JSONNode])
        case object([JSONMember])
    }

    package var kind: Kind
    /// Nil for values that did not come from a file.
    package var position: SourcePosition?

    package init(_ kind: Kind, at position: SourcePosition? = nil) {
        self.kind = kind
        self.position = position
    }

    package static func string(_ text: String) -> Self { Self(.string(text)) }
    package static func boolean(_ value: Bool) -> Self { Self(.boolean(value)) }
    package static func number(_ value: Double) -> Self { Self(.number(JSONNumber(value))) }
    package static func number(_ value: Int) -> Self { Self(.number(JSONNumber(value))) }
    package static func array(_ elements: [JSONNode]) -> Self { Self(.array(elements)) }
    package static func object(_ members: [(String, JSONNode)]) -> Self {
        Self(.object(members.map { JSONMember(name: $0.0, value: $0.1) }))
    }
}

/// A name and its value in an object.
package struct JSONMember: Hashable, Sendable {
    package var name: String
    /// Where the name stood.
    package var position: SourcePosition?
    package var value: JSONNode

    package init(name: String, at position: SourcePosition? = nil, value: JSONNode) {
        self.name = name
        self.position = position
        self.value = value
    }
}

/// A number as it was written and as it is understood.
package struct JSONNumber: Hashable, Sendable {
    /// As written, for messages.
    package let text: String
    /// Infinite when the number is too large for a double.
    package let value: Double
    /// The number when it is a whole one that `Int` holds exactly, however it was written: `1e3` is 1000.
    package let integer: Int?

    /// `text` follows the grammar of RFC 8259, section 6.
    package init(text: String) {
        self.text = text
        // Adding zero turns -0 into 0.
        value = (Double(text) ?? (text.hasPrefix("-") ? -.infinity : .infinity)) + 0
        integer = Int(text) ?? (abs(value) <= 0x1p53 ? Int(exactly: value) : nil)
    }

    package init(_ value: Int) {
        self.init(text: String(value))
    }

    package init(_ value: Double) {
        self.init(text: Self.shortest(value))
    }

    /// The shortest decimal that reads back as the same double, without a fraction when there is none.
    package static func shortest(_ value: Double) -> String {
        if abs(value) < 0x1p53, let whole = Int(exactly: value) { return String(whole) }
        return String(value)
    }
}

/// A string that was checked but not copied out of the file: where its bytes are.
package struct HiddenText: Hashable, Sendable {
    /// The bytes between the quotation marks, as offsets into the file.
    package let range: Range<Int>
    /// Whether there are only visible ASCII characters and no escapes, so that the bytes in the file are the string
    /// itself.
    package let isPlain: Bool
    /// Whether there are only asterisks: what a masked secret looks like.
    package let isMask: Bool
}
