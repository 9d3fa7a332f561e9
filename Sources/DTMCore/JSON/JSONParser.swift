/// A strict reader of JSON (RFC 8259) for text that may be hostile.
///
/// It differs from a decoder in that every value keeps its position, that repeated names are kept for their reader to
/// report, that size, depth and number of values are bounded, and that chosen strings stay where they are. It accepts
/// the grammar of the RFC and nothing else: no byte order mark, comment, trailing comma, invalid UTF-8 or lone
/// surrogate.
package struct JSONParser {
    /// The longest text in bytes.
    package static let maximumBytes = 1 << 20
    /// The deepest nesting of arrays and objects. The parser recurses; this bounds its stack.
    package static let maximumDepth = 16
    /// The most values in one text. It bounds the tree's memory to some 20 MB.
    package static let maximumValues = 100_000

    var cursor: ByteCursor
    private let hiddenNames: Set<String>
    private var depth = 0
    private var valueCount = 0

    private init(_ bytes: UnsafeRawBufferPointer, hiding hiddenNames: Set<String>) {
        cursor = ByteCursor(bytes)
        self.hiddenNames = hiddenNames
    }

    /// Reads one text. The string values of members named in `hiddenNames` are checked and not decoded.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer, hiding hiddenNames: Set<String> = []
    ) throws(JSONFailure) -> JSONNode {
        guard bytes.count <= maximumBytes else {
            throw JSONFailure(
                found: "a text of \(bytes.count) bytes", allowed: "at most \(maximumBytes) bytes",
                position: SourcePosition(line: 1, column: 1))
        }
        var parser = Self(bytes, hiding: hiddenNames)
        return try parser.document()
    }

    private mutating func document() throws(JSONFailure) -> JSONNode {
        if cursor.isAt("\u{FEFF}") { throw failure("UTF-8 without a byte order mark") }
        skipWhitespace()
        let root = try value()
        skipWhitespace()
        guard cursor.isAtEnd else { throw failure("nothing after the first value") }
        return root
    }

    private mutating func value() throws(JSONFailure) -> JSONNode {
        valueCount += 1
        guard valueCount <= Self.maximumValues else { throw failure("at most \(Self.maximumValues) values") }
        let position = cursor.position
        return JSONNode(try kind(), at: position)
    }

    private mutating func kind() throws(JSONFailure) -> JSONNode.Kind {
        switch cursor.current {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(text(of: try scanString()))
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return .number(try number())
        default: break
        }
        if cursor.skip("true") { return .boolean(true) }
        if cursor.skip("false") { return .boolean(false) }
        if cursor.skip("null") { return .null }
        throw failure(expectedValue)
    }

    private mutating func array() throws(JSONFailure) -> [JSONNode] {
        try enter()
        var elements: [JSONNode] = []
        skipWhitespace()
        if !cursor.skip(UInt8(ascii: "]")) {
            repeat {
                skipWhitespace()
                elements.append(try value())
                skipWhitespace()
            } while cursor.skip(UInt8(ascii: ","))
            guard cursor.skip(UInt8(ascii: "]")) else { throw failure("',' or ']' after an element") }
        }
        depth -= 1
        return elements
    }

    private mutating func object() throws(JSONFailure) -> [JSONMember] {
        try enter()
        var members: [JSONMember] = []
        skipWhitespace()
        if !cursor.skip(UInt8(ascii: "}")) {
            repeat {
                skipWhitespace()
                members.append(try member())
                skipWhitespace()
            } while cursor.skip(UInt8(ascii: ","))
            guard cursor.skip(UInt8(ascii: "}")) else { throw failure("',' or '}' after a member") }
        }
        depth -= 1
        return members
    }

    private mutating func member() throws(JSONFailure) -> JSONMember {
        let position = cursor.position
        guard cursor.current == UInt8(ascii: "\"") else { throw failure(expectedName) }
        let name = text(of: try scanString())
        skipWhitespace()
        guard cursor.skip(UInt8(ascii: ":")) else { throw failure("':' after a key") }
        skipWhitespace()
        guard hiddenNames.contains(name), cursor.current == UInt8(ascii: "\"") else {
            return JSONMember(name: name, at: position, value: try value())
        }
        let valuePosition = cursor.position
        let hidden = hiddenText(of: try scanString())
        return JSONMember(name: name, at: position, value: JSONNode(.hidden(hidden), at: valuePosition))
    }

    /// Steps over the bracket that opens an array or an object.
    private mutating func enter() throws(JSONFailure) {
        guard depth < Self.maximumDepth else { throw failure("at most \(Self.maximumDepth) levels of nesting") }
        depth += 1
        cursor.advance()
    }

    private mutating func skipWhitespace() {
        while let byte = cursor.current, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
            cursor.advance()
        }
    }

    func failure(_ allowed: String) -> JSONFailure {
        JSONFailure(found: cursor.currentDescription, allowed: allowed, position: cursor.position)
    }

    private var expectedValue: String {
        switch cursor.current {
        case UInt8(ascii: "/"), UInt8(ascii: "#"): "a value; JSON has no comments"
        case UInt8(ascii: "'"): "a value; strings stand in double quotation marks"
        case UInt8(ascii: "]"), UInt8(ascii: "}"): "a value; there is no comma after the last one"
        case UInt8(ascii: "T"), UInt8(ascii: "F"), UInt8(ascii: "N"): "a value; true, false and null are in lower case"
        default: "a value: an object, an array, a string, a number, true, false or null"
        }
    }

    private var expectedName: String {
        switch cursor.current {
        case UInt8(ascii: "}"): "a key; there is no comma after the last member"
        case UInt8(ascii: "/"), UInt8(ascii: "#"): "a key; JSON has no comments"
        default: "a key in double quotation marks"
        }
    }
}

/// Where a text stops being JSON.
package struct JSONFailure: Error, Hashable {
    /// What stands there; never more than a character of the text.
    package let found: String
    package let allowed: String
    package let position: SourcePosition
}
