import DTMCore

/// Moments as tables of measurements write them.
enum SeriesTime {
    /// Seconds since 1970 of RFC 3339 (any offset), of `YYYY-MM-DD HH:MM:SS[.f]`, which is taken for UTC, and of Unix seconds, with or without
    /// a fraction. Nil for anything else, for days that don't exist, and for years outside 1 to 9999.
    static func seconds(_ text: String) -> Double? {
        let bytes = Array(text.utf8)
        guard bytes.count <= 40 else { return nil }
        return bytes.contains(UInt8(ascii: ":")) ? calendar(bytes) : unix(text)
    }

    private static func unix(_ text: String) -> Double? {
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let value = Double(text),
            abs(value) <= 253_402_300_799
        else { return nil }
        return value
    }

    private static func calendar(_ bytes: [UInt8]) -> Double? {
        guard bytes.count >= 19, literals(bytes), let year = number(bytes, 0..<4), let month = number(bytes, 5..<7),
            let day = number(bytes, 8..<10), let hour = number(bytes, 11..<13), let minute = number(bytes, 14..<16),
            let second = number(bytes, 17..<19), year >= 1, (1...12).contains(month), (1...31).contains(day),
            hour < 24, minute < 60, second < 61
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        guard CivilDate(daysSinceEpoch: date.daysSinceEpoch) == date else { return nil }
        let whole = date.daysSinceEpoch * 86_400 + hour * 3_600 + minute * 60 + second
        guard let (fraction, end) = fraction(bytes), let offset = offset(bytes[end...]) else { return nil }
        return Double(whole - offset) + fraction
    }

    private static func literals(_ bytes: [UInt8]) -> Bool {
        let separators = [UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")]
        return bytes[4] == UInt8(ascii: "-") && bytes[7] == UInt8(ascii: "-") && separators.contains(bytes[10])
            && bytes[13] == UInt8(ascii: ":") && bytes[16] == UInt8(ascii: ":")
    }

    private static func fraction(_ bytes: [UInt8]) -> (value: Double, end: Int)? {
        guard bytes.count > 19, bytes[19] == UInt8(ascii: ".") else { return (0, 19) }
        var end = 20
        var value = 0.0
        var unit = 0.1
        while end < bytes.count, (0x30...0x39).contains(bytes[end]) {
            value += Double(bytes[end] - 0x30) * unit
            unit /= 10
            end += 1
        }
        return end > 20 ? (value, end) : nil
    }

    /// Seconds that the clock is ahead of UTC.
    private static func offset(_ bytes: ArraySlice<UInt8>) -> Int64? {
        guard let sign = bytes.first else { return 0 }
        if bytes.count == 1 { return sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") ? 0 : nil }
        let digits = Array(bytes.dropFirst())
        guard digits.count == 5, digits[2] == UInt8(ascii: ":"), let hours = number(digits, 0..<2),
            let minutes = number(digits, 3..<5), hours < 24, minutes < 60
        else { return nil }
        let seconds = hours * 3_600 + minutes * 60
        switch sign {
        case UInt8(ascii: "+"): return seconds
        case UInt8(ascii: "-"): return -seconds
        default: return nil
        }
    }

    private static func number(_ bytes: [UInt8], _ range: Range<Int>) -> Int64? {
        var value: Int64 = 0
        for byte in bytes[range] {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        return value
    }
}
