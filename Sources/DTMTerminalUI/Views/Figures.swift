import DTMAPI
import DTMCore
import DTMText

/// Figures as the console shows them; what is not known is a dash, never 0.
struct Figures {
    var glyphs: Glyphs
    /// The manager's time.
    var now: Timestamp?

    var unknown: Line { Line(glyphs.unknown, .dim) }

    func bytes(_ count: UInt64?) -> Line { count.map { Line(Quantity.bytes($0)) } ?? unknown }

    /// In at most five columns: `12.0M` are 12 MiB.
    func compactBytes(_ count: UInt64?) -> Line { count.map { Line(Self.compact($0)) } ?? unknown }

    static func compact(_ count: UInt64) -> String {
        let text = Quantity.bytes(count)
        guard let blank = text.lastIndex(of: " ") else { return text }
        return "\(text[..<blank])\(text[text.index(after: blank)...].prefix(1))"
    }

    func rate(_ bytesPerSecond: Double?) -> Line {
        guard let rate = bytesPerSecond, rate.isFinite, rate >= 0 else { return unknown }
        let count = UInt64(min(rate, 1e18))
        return Line(count == 0 ? "0" : "\(Self.compact(count))/s", rate < 0.5 ? .dim : .text)
    }

    func count(_ number: Int) -> Line { Line(String(number), number == 0 ? .dim : .text) }
    func count(_ number: UInt64) -> Line { Line(String(number), number == 0 ? .dim : .text) }

    func percent(_ value: Double) -> Line {
        Line(Quantity.decimal(value, places: 1), value < 0.05 ? .dim : value >= 80 ? .warning : .text)
    }

    func micros(_ count: UInt64) -> String { Quantity.duration(seconds: Double(count) / 1e6) }

    func tier(_ tier: String) -> Line {
        switch tier {
        case "none": Line("none", .dim)
        case "isolated", "fenced": Line(tier, .good)
        default: Line(shown(tier))
        }
    }

    func endpoint(_ endpoint: EndpointReport?) -> Line {
        endpoint.map { Line(Self.place($0.host, $0.port), .accent) } ?? unknown
    }

    /// As one writes it: IPv6 in brackets.
    static func place(_ host: String, _ port: UInt16) -> String {
        host.contains(":") ? "[\(shown(host))]:\(port)" : "\(shown(host)):\(port)"
    }

    /// How long until `moment`, as a bar of what is left of `interval` with the seconds behind it.
    func countdown(_ moment: Timestamp?, interval: Double, width: Int) -> Line {
        guard let moment, let now else { return unknown }
        let seconds = max(0, (moment - now).inSeconds)
        let text = Self.short(seconds)
        let padding = String(repeating: " ", count: max(0, 4 - DTMText.columns(of: text)))
        let room = width - 5
        guard room >= 2, interval > 0 else { return Line(padding + text) }
        let bar = glyphs.bar(seconds / interval, width: room)
        return [Span(bar.filled, .bar), Span(bar.rest, .barRest), Span(" \(padding)\(text)")]
    }

    /// A length of time in four columns.
    private static func short(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.5: "now"
        case ..<99.5: "\(Int(seconds.rounded())) s"
        case ..<5_970: "\(Int((seconds / 60).rounded())) m"
        case ..<356_400: "\(Int((seconds / 3_600).rounded())) h"
        default: "\(Int((min(seconds, 8e8) / 86_400).rounded())) d"
        }
    }

    /// A moment seen from now, as `3 min ago`.
    func relative(_ text: String?) -> Line {
        guard let text else { return unknown }
        guard let now else { return Line(shown(text)) }
        return Line(Quantity.relative(text, to: now))
    }

    /// The time of day of a moment in RFC 3339, in UTC.
    static func clock(_ text: String) -> String {
        guard text.utf8.count >= 19, let start = text.firstIndex(of: "T") else { return shown(text) }
        return shown(String(text[text.index(after: start)...].prefix(8)))
    }

    /// The height is the largest of the samples, or one KiB/s where that is more: what idles stays flat.
    func throughput(_ history: History, width: Int) -> Line {
        let maximum = max(1_024, history.maximum(latest: width))
        return Line(glyphs.sparkline(history.samples, width: width, maximum: maximum), .graph)
    }

    /// A value in its unit.
    func measured(_ value: Double?, unit: String) -> Line {
        guard let value, value.isFinite else { return unknown }
        return Line(Quantity.measured(value, unit: shown(unit)), value == 0 ? .dim : .text)
    }

    /// A formula of the manager's, in the characters that there are.
    func formula(_ text: String) -> String {
        guard !glyphs.isUnicode else { return shown(text) }
        return shown(String(text.map { $0 == "×" || $0 == "·" ? "*" : $0 == "−" ? "-" : $0 }))
    }

    func severity(_ severity: Severity) -> Role {
        switch severity {
        case .debug: .dim
        case .info: .text
        case .notice: .strong
        case .warning: .warning
        case .error, .critical: .bad
        }
    }

    /// Between 0 and 100; what is worth a look from 40 on, and 70 is the threshold.
    func risk(_ risk: Int) -> Line { Line(String(risk), risk >= 70 ? .bad : risk >= 40 ? .warning : .text) }
}
