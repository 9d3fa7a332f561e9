package import DTMCore

/// Numbers as people read them: rounded, with their unit.
package enum Quantity {
    /// A size in bytes, in powers of 1024 (IEC 80000-13).
    package static func bytes(_ count: UInt64) -> String {
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count) / 1024
        var units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][...]
        // 1023.95 would be shown as 1024.0.
        while value >= 1023.5, units.count > 1 {
            value /= 1024
            units = units.dropFirst()
        }
        return "\(decimal(value, places: value < 99.95 ? 1 : 0)) \(units.first ?? "")"
    }

    /// A length of time of at least 0 s, in the two largest units that matter.
    package static func duration(seconds: Double) -> String {
        switch seconds {
        case ..<0.000_000_5: "0 s"
        case ..<0.000_999_5: "\(decimal(seconds * 1e6, places: 0)) µs"
        case ..<0.999_5: "\(decimal(seconds * 1e3, places: 0)) ms"
        case ..<59.5: "\(decimal(seconds, places: 0)) s"
        case ..<3_599.5: two(seconds, ("min", 60), ("s", 1))
        case ..<86_370: two(seconds, ("h", 3_600), ("min", 60))
        default: two(seconds, ("d", 86_400), ("h", 3_600))
        }
    }

    private static func two(
        _ seconds: Double, _ large: (name: String, size: Int64), _ small: (name: String, size: Int64)
    ) -> String {
        let smalls = whole(seconds / Double(small.size))
        let ratio = large.size / small.size
        let rest = smalls % ratio
        return "\(smalls / ratio) \(large.name)" + (rest == 0 ? "" : " \(rest) \(small.name)")
    }

    /// A moment seen from `now`, as `in 7 s`, `3 min ago` or `now`: in one unit, for a column of a table.
    package static func relative(_ moment: Timestamp, to now: Timestamp) -> String {
        let seconds = (moment - now).inSeconds
        if abs(seconds) < 0.5 { return "now" }
        return seconds > 0 ? "in \(coarse(seconds))" : "\(coarse(-seconds)) ago"
    }

    private static func coarse(_ seconds: Double) -> String {
        switch seconds {
        case ..<59.5: duration(seconds: seconds)
        case ..<3_570: "\(whole(seconds / 60)) min"
        case ..<84_600: "\(whole(seconds / 3_600)) h"
        default: "\(whole(seconds / 86_400)) d"
        }
    }

    /// The same for a moment in RFC 3339; the text itself when it is none.
    package static func relative(_ text: String, to now: Timestamp) -> String {
        Timestamp(rfc3339: text).map { relative($0, to: now) } ?? text
    }

    package static func percent(_ value: Double) -> String { "\(decimal(value, places: 1)) %" }

    /// `value` with a fixed number of decimals.
    package static func decimal(_ value: Double, places: Int) -> String {
        guard value.isFinite else { return "?" }
        let scale: Int64 = places == 0 ? 1 : 10
        let scaled = whole(value * Double(scale))
        let sign = scaled < 0 ? "-" : ""
        let size = scaled.magnitude
        return places == 0 ? "\(sign)\(size)" : "\(sign)\(size / 10).\(size % 10)"
    }

    /// A measured value in its unit: `B` and `B/s` are sizes, anything else is a number with tenths below 100; what is not
    /// finite is `?`.
    package static func measured(_ value: Double, unit: String) -> String {
        switch unit {
        case "B", "B/s":
            guard value.isFinite else { return "?" }
            return bytes(UInt64(clamping: whole(value))) + unit.dropFirst()
        case "1/s": return number(value) + "/s"
        default: return number(value) + (unit.isEmpty ? "" : " \(unit)")
        }
    }

    private static func number(_ value: Double) -> String { decimal(value, places: value < 100 ? 1 : 0) }

    /// Rounded; what no Int64 holds comes from a broken peer and is clamped.
    private static func whole(_ value: Double) -> Int64 {
        let limit = 9e17
        return Int64(min(max(value.isNaN ? 0 : value, -limit), limit).rounded())
    }

    /// `1 tunnel`, `2 tunnels`.
    package static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// The same for a noun whose plural is not regular.
    package static func count(_ number: Int, _ noun: String, _ plural: String) -> String {
        "\(number) \(number == 1 ? noun : plural)"
    }
}
