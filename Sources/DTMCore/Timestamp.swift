/// A moment, in nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time): from 1677 to 2262.
///
/// What lies outside that is taken for the first or the last moment: a limit that is far away must never come out as
/// past.
public struct Timestamp: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    public init(milliseconds: Int64) { self.nanoseconds = milliseconds.clampedProduct(1_000_000) }
    public init(seconds: Int64) { self.nanoseconds = seconds.clampedProduct(1_000_000_000) }

    /// Whole milliseconds, rounded towards the past.
    public var milliseconds: Int64 {
        let quotient = nanoseconds / 1_000_000
        return nanoseconds % 1_000_000 < 0 ? quotient - 1 : quotient
    }

    /// Whole seconds, rounded towards the past.
    public var seconds: Int64 {
        let quotient = nanoseconds / 1_000_000_000
        return nanoseconds % 1_000_000_000 < 0 ? quotient - 1 : quotient
    }

    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    public static func + (left: Self, right: Duration) -> Self {
        let (sum, overflow) = left.nanoseconds.addingReportingOverflow(right.wholeNanoseconds)
        return Self(nanoseconds: overflow ? (left.nanoseconds < 0 ? .min : .max) : sum)
    }

    public static func - (left: Self, right: Duration) -> Self {
        let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.wholeNanoseconds)
        return Self(nanoseconds: overflow ? (left.nanoseconds < 0 ? .min : .max) : difference)
    }

    public static func - (left: Self, right: Self) -> Duration {
        .nanoseconds(left.nanoseconds) - .nanoseconds(right.nanoseconds)
    }
}

extension Duration {
    /// The duration in nanoseconds; durations of more than 292 years are clamped.
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, overflowSum) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowSum ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in milliseconds, rounded towards zero.
    public var wholeMilliseconds: Int64 { wholeNanoseconds / 1_000_000 }

    /// The duration in seconds.
    public var inSeconds: Double { Double(wholeNanoseconds) / 1e9 }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds, as `2026-11-24T03:03:10.250Z`.
    public var description: String { rfc3339 }

    /// RFC 3339 in UTC with milliseconds.
    public var rfc3339: String {
        let milliseconds = self.milliseconds
        let days = milliseconds.flooredQuotient(86_400_000)
        var rest = milliseconds - days * 86_400_000
        let date = CivilDate(daysSinceEpoch: days)
        let hour = rest / 3_600_000
        rest %= 3_600_000
        let minute = rest / 60_000
        rest %= 60_000
        return
            "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
            + "T\(padded(hour, 2)):\(padded(minute, 2)):\(padded(rest / 1_000, 2)).\(padded(rest % 1_000, 3))Z"
    }

    /// Reads RFC 3339 in UTC (`Z` only), with or without a fraction of up to nine digits. A leap second is taken for
    /// the first second of the next minute. Nil for a day that its month does not have, and for years outside
    /// 1970–2261.
    public init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        func literal(_ index: Int, _ character: Unicode.Scalar) -> Bool {
            index < bytes.count && bytes[index] == UInt8(ascii: character)
        }
        guard bytes.count >= 20, bytes.count <= 30, bytes.last == UInt8(ascii: "Z"),
            literal(4, "-"), literal(7, "-"), literal(10, "T"), literal(13, ":"), literal(16, ":"),
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            year >= 1970, year <= 2261, (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second < 61
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            let digits = 20..<(bytes.count - 1)
            guard literal(19, "."), !digits.isEmpty, let value = number(digits) else { return nil }
            fraction = value
            for _ in digits.count..<9 { fraction *= 10 }
        }
        let date = CivilDate(year: year, month: month, day: day)
        let days = date.daysSinceEpoch
        // A day that does not exist comes back as another one.
        guard CivilDate(daysSinceEpoch: days) == date else { return nil }
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second
        self.init(nanoseconds: seconds * 1_000_000_000 + fraction)
    }
}

/// A day of the proleptic Gregorian calendar. The conversions are those of Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms".
public struct CivilDate: Hashable, Sendable {
    public var year: Int64
    public var month: Int64
    public var day: Int64

    public init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    public init(daysSinceEpoch: Int64) {
        let shifted = daysSinceEpoch + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    public var daysSinceEpoch: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.flooredQuotient(400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension Int64 {
    fileprivate func clampedProduct(_ factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? (self < 0 ? .min : .max) : product
    }

    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

private func padded(_ value: Int64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
}
