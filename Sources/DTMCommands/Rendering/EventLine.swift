import DTMAPI
import DTMCore
import DTMText

/// One line of `dtm events` for people: time, severity, kind, tunnel, detail.
enum EventLine {
    static func text(_ event: EventReport, _ style: TextStyle) -> String {
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
