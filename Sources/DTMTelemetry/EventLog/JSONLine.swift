import DTMCore

/// One JSON object on one line, built field by field in the order of the calls.
///
/// Whatever a value holds, the line stays one line, and a terminal that shows it is not steered by it: control and
/// format characters are escaped. Strings that are not UTF-8 were repaired when they became strings. The length is
/// bounded; what does not fit is left out, and `dtm.truncated` says so.
struct JSONLine {
    /// The longest line in bytes, its end included.
    static let maximumBytes = 65_536
    /// The longest string in bytes before escaping; a longer one is cut and ends in `…`.
    static let maximumStringBytes = 4_096
    /// Kept for the mark that something was left out.
    private static let reserve = 32

    private var bytes: [UInt8] = [UInt8(ascii: "{")]
    private var isTruncated = false

    /// Adds a field, unless it or one before it does not fit.
    mutating func add(_ key: String, _ value: DetailValue) {
        guard !isTruncated else { return }
        var field: [UInt8] = bytes.count > 1 ? [UInt8(ascii: ",")] : []
        Self.append(key, to: &field)
        field.append(UInt8(ascii: ":"))
        Self.append(value, to: &field)
        guard bytes.count + field.count + Self.reserve <= Self.maximumBytes else {
            isTruncated = true
            return
        }
        bytes += field
    }

    mutating func add(_ key: String, _ value: String?) {
        if let value { add(key, .string(value)) }
    }

    /// The line with its end.
    consuming func finished() -> [UInt8] {
        if isTruncated { bytes += Array(",\"dtm.truncated\":true".utf8) }
        bytes += [UInt8(ascii: "}"), UInt8(ascii: "\n")]
        return bytes
    }

    private static func append(_ value: DetailValue, to bytes: inout [UInt8]) {
        switch value {
        case .string(let text): append(text, to: &bytes)
        case .integer(let number): bytes += Array(String(number).utf8)
        // JSON has no word for infinity and NaN (RFC 8259, section 6).
        case .double(let number): bytes += Array((number.isFinite ? String(number) : "null").utf8)
        case .boolean(let flag): bytes += Array((flag ? "true" : "false").utf8)
        case .list(let texts): append(texts, to: &bytes)
        }
    }

    private static func append(_ texts: [String], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(text, to: &bytes)
            // The list is too long for any line already; the caller leaves it out.
            if bytes.count > maximumBytes { break }
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        defer { bytes.append(UInt8(ascii: "\"")) }
        // Nearly all strings: nothing to escape and nothing to cut.
        if text.utf8.count <= maximumStringBytes, text.utf8.allSatisfy(isPlain) {
            bytes.append(contentsOf: text.utf8)
            return
        }
        var length = 0
        for scalar in text.unicodeScalars {
            length += UTF8.width(scalar)
            guard length <= maximumStringBytes else {
                bytes += Array("…".utf8)
                break
            }
            append(scalar, to: &bytes)
        }
    }

    /// ASCII that stands for itself in a JSON string.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20..<0x7f).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        switch scalar {
        case "\"", "\\": bytes += [UInt8(ascii: "\\"), UInt8(scalar.value)]
        case "\n": bytes += Array("\\n".utf8)
        case "\t": bytes += Array("\\t".utf8)
        case " "..."~": bytes.append(UInt8(scalar.value))
        default:
            if mustBeEscaped(scalar) {
                for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter { appendEscape(unit, to: &bytes) }
            } else {
                bytes += Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }

    /// Control characters of both sets, line and paragraph separators, and what changes the direction of text.
    private static func mustBeEscaped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func appendEscape(_ unit: UInt16, to bytes: inout [UInt8]) {
        bytes += Array("\\u".utf8)
        bytes += Array(Hexadecimal.encode([UInt8(unit >> 8), UInt8(truncatingIfNeeded: unit)]).utf8)
    }
}
