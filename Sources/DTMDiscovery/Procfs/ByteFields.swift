/// Cuts the texts of /proc: lines, fields, numbers. Everything works on bytes, since names in /proc need not be UTF-8.
enum ByteFields {
    /// The lines without their ends; at most `limit`.
    static func lines(_ bytes: some Collection<UInt8>, limit: Int) -> [ArraySlice<UInt8>] {
        Array(bytes).split(separator: UInt8(ascii: "\n"), maxSplits: limit).prefix(limit).map { $0 }
    }

    /// The fields between runs of blanks; at most `limit`, the rest of the line in the last one.
    static func fields(_ line: ArraySlice<UInt8>, limit: Int = 64) -> [ArraySlice<UInt8>] {
        line.split(maxSplits: limit - 1) { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    /// Decimal digits and nothing else; nil when it does not fit.
    static func decimal<Number: FixedWidthInteger>(_ field: ArraySlice<UInt8>) -> Number? {
        number(field, radix: 10)
    }

    /// Hexadecimal digits and nothing else; nil when it does not fit.
    static func hexadecimal<Number: FixedWidthInteger>(_ field: ArraySlice<UInt8>) -> Number? {
        number(field, radix: 16)
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
