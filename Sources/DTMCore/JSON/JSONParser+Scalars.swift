/// A string that follows the grammar, not yet decoded.
struct ScannedText {
    /// The bytes between the quotation marks.
    var range: Range<Int>
    var hasEscapes: Bool
}

extension JSONParser {
    /// The longest number in characters; RFC 8259, section 9, lets a parser choose.
    static let maximumNumberLength = 64

    mutating func number() throws(JSONFailure) -> JSONNumber {
        let start = cursor.offset
        _ = cursor.skip(UInt8(ascii: "-"))
        if cursor.skip(UInt8(ascii: "0")) {
            if let byte = cursor.current, Self.isDigit(byte) { throw failure("a number without leading zeros") }
        } else {
            try digits("a digit after '-'")
        }
        if cursor.skip(UInt8(ascii: ".")) { try digits("a digit after '.'") }
        if cursor.skip(UInt8(ascii: "e")) || cursor.skip(UInt8(ascii: "E")) {
            if !cursor.skip(UInt8(ascii: "+")) { _ = cursor.skip(UInt8(ascii: "-")) }
            try digits("a digit in the exponent")
        }
        guard cursor.offset - start <= Self.maximumNumberLength else {
            throw failure("numbers of at most \(Self.maximumNumberLength) characters")
        }
        return JSONNumber(text: cursor.text(start..<cursor.offset))
    }

    private mutating func digits(_ allowed: String) throws(JSONFailure) {
        guard let first = cursor.current, Self.isDigit(first) else { throw failure(allowed) }
        while let byte = cursor.current, Self.isDigit(byte) { cursor.advance() }
    }

    /// Checks a string and steps over it. The cursor is on the quotation mark that opens it.
    mutating func scanString() throws(JSONFailure) -> ScannedText {
        cursor.advance()
        let start = cursor.offset
        var hasEscapes = false
        while let byte = cursor.current {
            switch byte {
            case UInt8(ascii: "\""):
                let range = start..<cursor.offset
                cursor.advance()
                return ScannedText(range: range, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try scanEscape()
            case 0x00..<0x20: throw failure("control characters only as \\u escapes inside a string")
            case 0x20..<0x80: cursor.advance()
            default: try scanMultibyteScalar()
            }
        }
        throw failure("'\"' at the end of a string")
    }

    private mutating func scanEscape() throws(JSONFailure) {
        cursor.advance()
        guard let kind = cursor.current else { throw failure(Self.escapes) }
        if Self.simpleEscape(kind) != nil {
            cursor.advance()
            return
        }
        guard kind == UInt8(ascii: "u") else { throw failure(Self.escapes) }
        let unit = try scanCodeUnit()
        if (0xdc00...0xdfff).contains(unit) { throw failure("a high surrogate before a low one") }
        guard (0xd800...0xdbff).contains(unit) else { return }
        guard cursor.skip(UInt8(ascii: "\\")), cursor.current == UInt8(ascii: "u"),
            (0xdc00...0xdfff).contains(try scanCodeUnit())
        else { throw failure("a low surrogate after a high one") }
    }

    /// Steps over the `u` and four hexadecimal digits.
    private mutating func scanCodeUnit() throws(JSONFailure) -> UInt16 {
        cursor.advance()
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = cursor.current, let digit = Self.hexadecimalDigit(byte) else {
                throw failure("four hexadecimal digits after \\u")
            }
            unit = unit << 4 | UInt16(digit)
            cursor.advance()
        }
        return unit
    }

    /// Well-formed UTF-8 as the Unicode standard's table 3-7 lists it: nothing overlong, no surrogates, nothing above
    /// U+10FFFF.
    private mutating func scanMultibyteScalar() throws(JSONFailure) {
        guard let lead = cursor.current, let (length, second) = Self.sequence(startingWith: lead) else {
            throw failure("well-formed UTF-8")
        }
        cursor.advance()
        for index in 1..<length {
            let allowed = index == 1 ? second : 0x80...0xbf
            guard let byte = cursor.current, allowed.contains(byte) else { throw failure("well-formed UTF-8") }
            cursor.advance()
        }
    }

    private static func sequence(startingWith lead: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
        switch lead {
        case 0xc2...0xdf: (2, 0x80...0xbf)
        case 0xe0: (3, 0xa0...0xbf)
        case 0xed: (3, 0x80...0x9f)
        case 0xe1...0xef: (3, 0x80...0xbf)
        case 0xf0: (4, 0x90...0xbf)
        case 0xf1...0xf3: (4, 0x80...0xbf)
        case 0xf4: (4, 0x80...0x8f)
        default: nil
        }
    }

    private static let escapes = "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u after a backslash"

    package static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    package static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static func simpleEscape(_ byte: UInt8) -> Unicode.Scalar? {
        switch byte {
        case UInt8(ascii: "\""): "\""
        case UInt8(ascii: "\\"): "\\"
        case UInt8(ascii: "/"): "/"
        case UInt8(ascii: "b"): "\u{08}"
        case UInt8(ascii: "f"): "\u{0c}"
        case UInt8(ascii: "n"): "\n"
        case UInt8(ascii: "r"): "\r"
        case UInt8(ascii: "t"): "\t"
        default: nil
        }
    }
}
