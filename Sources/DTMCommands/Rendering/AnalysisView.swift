import DTMAPI
import DTMCore
import DTMText

/// `dtm analyze NAME` for people.
enum AnalysisView {
    static func lines(_ report: AnalysisReport, _ style: TextStyle) -> [String] {
        var lines = head(report, style)
        for subject in report.subjects { lines += [""] + self.lines(subject, style) }
        lines += ModelView.opinions(report.opinions ?? [], style)
        guard !report.findings.isEmpty else { return lines }
        lines += ["", style.paint("Findings", .bold)]
        for finding in report.findings {
            lines.append("  \(finding.risk)  \(shown(finding.title))  (\(shown(finding.id)))")
            lines += finding.evidence.prefix(3).map { "      \(shown($0))" }
        }
        return lines
    }

    private static func head(_ report: AnalysisReport, _ style: TextStyle) -> [String] {
        let paint: TextStyle.Paint =
            switch report.verdict {
            case "threat": .red
            case "suspicious", "unusual": .yellow
            default: .green
            }
        var lines = [
            "\(shown(report.asked)): " + style.paint(shown(report.verdict), paint) + ", risk \(report.risk) of 100"
        ]
        if !report.arithmetic.isEmpty { lines.append("  \(shown(report.arithmetic))") }
        if !report.enabled { lines.append("  Analysis is off: nothing is learnt. A in the console switches it.") }
        return lines
    }

    private static func lines(_ subject: AnalysisReport.Subject, _ style: TextStyle) -> [String] {
        let pids = subject.pids.map { " (" + $0.prefix(8).map(String.init).joined(separator: ", ") + ")" } ?? ""
        var lines = [style.paint("\(subject.kind) \(shown(subject.name))\(pids)", .bold)]
        lines += subject.patterns.map { "  \(shown($0))" }
        if subject.learning, subject.since != nil {
            lines.append("  What is usual is still being learnt: that takes ten minutes.")
        }
        lines += subject.reasons.map { "  " + style.paint("unusual:", .yellow) + " \(shown($0))" }
        lines += subject.recommendations.flatMap {
            ["  advice: \(shown($0.advice))", "          \(shown($0.evidence))"]
        }
        guard !subject.metrics.isEmpty else { return lines }
        var table = TextTable([
            .text("METRIC"), .number("NOW"), .number("1 MIN"), .number("1 H"), .number("SCORE"), .text("LAST MINUTE"),
        ])
        for metric in subject.metrics {
            table.add([
                .init(shown(metric.name)), .init(amount(metric.now, metric.unit)),
                .init(amount(metric.minute, metric.unit)),
                .init(amount(metric.hour, metric.unit)), .init(score(metric.score)), .init(trend(metric.recent)),
            ])
        }
        return lines + table.lines(style).map { "  \($0)" }
    }

    /// Unknown is –, never 0.
    static func amount(_ value: Double?, _ unit: String) -> String {
        guard let value, value.isFinite else { return "–" }
        return Quantity.measured(value, unit: unit)
    }

    private static func score(_ score: Double?) -> String {
        guard let score else { return "–" }
        let hundredths = Int((min(1, max(0, score)) * 100).rounded())
        return hundredths == 100 ? "1.00" : "0." + (hundredths < 10 ? "0" : "") + "\(hundredths)"
    }

    /// The last minute in twenty steps of three seconds.
    static func trend(_ values: [Double]) -> String {
        let last = Array(values.suffix(60))
        guard !last.isEmpty else { return "" }
        let steps = stride(from: 0, to: last.count, by: 3).map { start in
            last[start..<min(start + 3, last.count)].max() ?? 0
        }
        let top = steps.max() ?? 0
        let bars = Array("▁▂▃▄▅▆▇█")
        return String(
            steps.map { top > 0 ? bars[min(bars.count - 1, Int($0 / top * Double(bars.count - 1)))] : bars[0] })
    }
}
