import DTMAPI
import DTMCore
import DTMText

/// One line of `dtm events` for people: time, severity, kind, tunnel, detail.
///
/// On a terminal it is a row of a table: the time of day, columns of a fixed width, the reason before the other details, and
/// no more than fits. In a file or a pipe nothing is left out.
enum EventLine {
    static func text(_ event: EventReport, _ style: TextStyle) -> String {
        style.width.map { row(event, style, width: $0) } ?? whole(event, style)
    }

    /// Above the first row of a day.
    static func day(_ event: EventReport, _ style: TextStyle) -> String {
        style.paint("\(shown(String(event.time.prefix(10)))), times in UTC", .dim)
    }

    /// The date, by which days are told apart.
    static func date(_ event: EventReport) -> Substring { event.time.prefix(10) }

    private static func row(_ event: EventReport, _ style: TextStyle, width: Int) -> String {
        let severity = padded(event.severity.rawValue, to: 8)
        let kind = padded(cut(shown(event.kind), to: 22), to: 22)
        let subject = padded(cut(shown(event.tunnel ?? event.app ?? "-"), to: 14), to: 14)
        let time = shown(String(event.time.dropFirst(11).prefix(8)))
        let head = 8 + 2 + 8 + 2 + 22 + 2 + 14 + 2
        let paint = paint(event.severity)
        let parts = [
            style.paint(time, .dim), style.paint(severity, paint), style.paint(kind, paint), subject,
            width > head + 8 ? cut(brief(event), to: width - head) : "",
        ]
        return trimmed(parts.joined(separator: "  "))
    }

    /// The reason alone where there is one, and otherwise everything.
    private static func brief(_ event: EventReport) -> String {
        guard let reason = event.detail["reason"] else { return detail(event) }
        var rest = event
        rest.detail["reason"] = nil
        return "\(shown(reason.description))  \(detail(rest))"
    }

    private static func whole(_ event: EventReport, _ style: TextStyle) -> String {
        let severity = padded(event.severity.rawValue, to: 8)
        let subject = event.tunnel ?? event.app ?? "-"
        let parts = [
            style.paint(shown(event.time), .dim), style.paint(severity, paint(event.severity)),
            padded(shown(event.kind), to: 22), padded(shown(subject), to: 12), detail(event),
        ]
        return trimmed(parts.joined(separator: "  "))
    }

    private static func detail(_ event: EventReport) -> String {
        var pairs = event.detail.sorted { $0.key < $1.key }.map { "\(shown($0.key))=\(value($0.value))" }
        if let identity = event.identity { pairs.append("identity=\(shown(identity))") }
        return pairs.joined(separator: " ")
    }

    /// Quoted when it would not read as one word.
    private static func value(_ value: DetailValue) -> String {
        let text = shown(value.description)
        return text.isEmpty || text.contains(" ") || text.contains("\"") ? "\"\(text)\"" : text
    }

    private static func paint(_ severity: Severity) -> TextStyle.Paint? {
        switch severity {
        case .debug: .dim
        case .info: nil
        case .notice: .bold
        case .warning: .yellow
        case .error, .critical: .red
        }
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - columns(of: text)))
    }

    private static func trimmed(_ text: String) -> String {
        var text = text
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}
