/// Cuts the texts of /proc: lines, fields, numbers. Everything works on bytes, since names in /proc need not be UTF-8.
enum ByteFields {
    /// Calls `body` with each line, without its end; with at most `limit` of them.
    static func forEachLine(_ bytes: [UInt8], limit: Int, _ body: (ArraySlice<UInt8>) -> Void) {
        var rest = bytes[...]
        var count = 0
        while !rest.isEmpty, count < limit {
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            body(rest[..<end])
            rest = rest[min(end + 1, rest.endIndex)...]
            count += 1
        }
    }

    /// Reads fields between runs of blanks, one after the other, without making a list of them: tables can be long.
    struct Reader {
        private(set) var rest: ArraySlice<UInt8>

        init(_ line: ArraySlice<UInt8>) { rest = line }

        /// The next field; nil at the end of the line.
        mutating func next() -> ArraySlice<UInt8>? {
            skipBlanks()
            guard !rest.isEmpty else { return nil }
            let end = rest.firstIndex(where: ByteFields.isBlank) ?? rest.endIndex
            defer { rest = rest[end...] }
            return rest[..<end]
        }

        /// Goes past `count` fields.
        mutating func skip(_ count: Int) {
            for _ in 0..<count { _ = next() }
        }

        /// What is left of the line, without the blanks before it.
        mutating func remainder() -> ArraySlice<UInt8> {
            skipBlanks()
            defer { rest = rest[rest.endIndex...] }
            return rest
        }

        private mutating func skipBlanks() {
            rest = rest[(rest.firstIndex { !ByteFields.isBlank($0) } ?? rest.endIndex)...]
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
    }

    /// Decimal digits and nothing else; nil when it does not fit.
    static func decimal<Number: FixedWidthInteger>(_ field: ArraySlice<UInt8>?) -> Number? {
        field.flatMap { number($0, radix: 10) }
    }

    /// Hexadecimal digits and nothing else; nil when it does not fit.
    static func hexadecimal<Number: FixedWidthInteger>(_ field: ArraySlice<UInt8>?) -> Number? {
        field.flatMap { number($0, radix: 16) }
    }

    private static func number<Number: FixedWidthInteger>(_ field: ArraySlice<UInt8>, radix: Number) -> Number? {
        guard !field.isEmpty else { return nil }
        var value: Number = 0
        for byte in field {
            guard let digit = digit(byte), digit < Int(radix) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: radix)
            let (sum, carry) = product.addingReportingOverflow(Number(digit))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    /// Text for people: what is not UTF-8, and what steers a terminal, is replaced.
    static func printable(_ bytes: some Collection<UInt8>) -> String {
        var text = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: text.unicodeScalars.append("\u{FFFD}")
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
