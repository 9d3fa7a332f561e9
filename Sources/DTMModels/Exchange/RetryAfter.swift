import DTMCore

/// How long a provider asks its callers to wait (RFC 9110, section 10.2.3, and the providers' own headers).
enum RetryAfter {
    /// What says more than this is not believed.
    static let maximum = Duration.seconds(3_600)

    /// From `retry-after-ms`, or `retry-after` in seconds or as a date; nil when neither says anything usable.
    static func wait(_ reply: IncomingReply, at now: Timestamp) -> Duration? {
        if let text = reply.header("retry-after-ms"), let milliseconds = number(text) {
            return bounded(milliseconds / 1_000)
        }
        guard let text = reply.header("retry-after") else { return nil }
        if let seconds = number(text) { return bounded(seconds) }
        guard let date = HTTPDate.timestamp(text) else { return nil }
        return bounded((date - now).inSeconds)
    }

    /// Until when nothing is left, from `x-ratelimit-remaining-requests`, `-tokens` and their `-reset-`, and from
    /// Anthropic's; nil when something is left.
    static func exhaustion(_ reply: IncomingReply, at now: Timestamp) -> Duration? {
        ["requests", "tokens"].compactMap { kind in
            let pairs = [
                ("x-ratelimit-remaining-\(kind)", "x-ratelimit-reset-\(kind)"),
                ("anthropic-ratelimit-\(kind)-remaining", "anthropic-ratelimit-\(kind)-reset"),
            ]
            return pairs.compactMap { remaining, reset -> Duration? in
                guard let left = reply.header(remaining).flatMap(number), left < 1,
                    let text = reply.header(reset)
                else { return nil }
                if let date = Timestamp(rfc3339: text) { return bounded((date - now).inSeconds) }
                return (spans(text) ?? number(text)).flatMap(bounded)
            }.max()
        }.max()
    }

    /// A plain decimal number: no sign, exponent or name.
    static func number(_ text: String) -> Double? {
        let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        return isPlain && text.utf8.count <= 20 ? Double(text) : nil
    }

    private static func bounded(_ seconds: Double) -> Duration? {
        guard seconds.isFinite else { return nil }
        return min(.milliseconds(Int64(min(max(seconds, 0), 1e9) * 1_000)), maximum)
    }

    /// As `6m0s`, `1h2m3s`, `20ms`, in seconds.
    static func spans(_ text: String) -> Double? {
        let units: [String: Double] = ["h": 3_600, "m": 60, "s": 1, "ms": 0.001]
        var total = 0.0
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let value = number(String(digits)), let factor = units[String(unit)] else { return nil }
            total += value * factor
        }
        return text.isEmpty ? nil : total
    }
}

/// Dates in HTTP headers, in the one form that may be sent: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func timestamp(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].utf8.count == 4, parts[0].hasSuffix(","), parts[5] == "GMT",
            let month = months.firstIndex(of: String(parts[2])), parts[1].utf8.count == 2, parts[3].utf8.count == 4
        else { return nil }
        let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }
}
