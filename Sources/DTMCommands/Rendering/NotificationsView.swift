import DTMAPI
import DTMText

/// Who is told of findings and responses, for people.
enum NotificationsView {
    static func lines(_ test: NotificationTest, _ style: TextStyle) -> [String] {
        guard !test.results.isEmpty else { return ["Nobody is told: notify in config.json names no receiver."] }
        return test.results.map { result in
            let outcome =
                result.delivered
                ? style.paint("told", .green) : style.paint("not told", .red) + ": \(shown(result.problem ?? ""))"
            return "\(shown(result.name)) (\(shown(result.kind)) \(shown(result.place))): \(outcome)"
        }
    }

    /// One receiver in `dtm status`.
    static func line(_ report: NotificationReport) -> String {
        var parts = ["\(report.delivered) delivered", "\(report.failed) failed", "\(report.dropped) dropped"]
        if report.waiting > 0 { parts.append("\(report.waiting) waiting") }
        let problem = report.problem.map { " (\(shown($0)))" } ?? ""
        return "\(shown(report.name)): \(parts.joined(separator: ", "))\(problem)"
    }
}
