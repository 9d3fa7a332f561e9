import DTMAPI
import DTMText

/// What the embedded analyst knows of an application and its tunnels.
enum AnalysisView {
    static func page(_ name: String, _ model: ConsoleModel, _ figures: Figures) -> Page {
        var page = Page(width: model.canvas.columns, glyphs: figures.glyphs)
        guard let answer = model.analysis, answer.name == name else {
            page.add(Block("Analysis of \(shown(name))", [Line("Being asked for.", .dim)]))
            return page
        }
        switch answer.outcome {
        case .failed(let message, let hint):
            page.add(Block("Analysis of \(shown(name))", failure(message, hint)))
        case .report(let report):
            page.add(head(report, name, page.width, figures))
            for subject in report.subjects { page.add(block(subject, page.width, figures)) }
            page.add(findings(report, figures))
        }
        return page
    }

    /// The same in some lines, about whom the details are open.
    static func short(width: Int, _ model: ConsoleModel, _ figures: Figures) -> [Line] {
        guard let name = model.analysisSubject else { return [] }
        guard let answer = model.analysis, answer.name == name else {
            return [Line("Analysis is being asked for.", .dim)]
        }
        guard case .report(let report) = answer.outcome else {
            guard case .failed(let message, _) = answer.outcome else { return [] }
            return [Line("No analysis: \(shown(message))", .dim)]
        }
        let subject = report.subjects.first { $0.name == name } ?? report.subjects.first
        let reasons = report.subjects.flatMap(\.reasons).prefix(3).flatMap { unusual($0, width) }
        let advice = report.subjects.flatMap(\.recommendations).prefix(2).flatMap { Self.advice($0, width) }
        return [verdict(report) + Line(", risk ", .dim) + figures.risk(report.risk) + Line(" of 100", .dim)]
            + notes(report) + (subject?.patterns.prefix(2).flatMap { text($0, width) } ?? []) + reasons + advice
            + [Line("P and Enter show all of it.", .dim)]
    }

    // MARK: The parts

    private static func failure(_ message: String, _ hint: String?) -> [Line] {
        [Line(shown(message), .warning)] + (hint.map { [Line(shown($0), .dim)] } ?? [])
    }

    private static func head(
        _ report: AnalysisReport, _ name: String, _ width: Int, _ figures: Figures
    ) -> Block {
        var risk = figures.risk(report.risk) + Line(" of 100", .dim)
        if !report.arithmetic.isEmpty { risk = risk + Line("  = \(figures.formula(report.arithmetic))", .dim) }
        let facts = Block.facts(
            "Analysis of \(shown(name))", [("verdict", verdict(report)), ("risk", risk)], glyphs: figures.glyphs)
        return Block(facts.title, facts.lines + notes(report))
    }

    private static func verdict(_ report: AnalysisReport) -> Line {
        switch report.verdict {
        case "threat": Line("threat", .bad)
        case "suspicious", "unusual": Line(report.verdict, .warning)
        case "learning": Line("still learning what is usual", .dim)
        default: Line(shown(report.verdict), .good)
        }
    }

    private static func notes(_ report: AnalysisReport) -> [Line] {
        report.enabled ? [] : [Line("Analysis is off: nothing is learnt. A switches it.", .warning)]
    }

    private static func block(_ subject: AnalysisReport.Subject, _ width: Int, _ figures: Figures) -> Block {
        let pids = subject.pids.map { " (" + $0.prefix(8).map(String.init).joined(separator: ", ") + ")" } ?? ""
        var lines = subject.patterns.flatMap { text($0, width) }
        if let since = subject.since {
            lines.append(Line("watched since ", .dim) + figures.relative(since))
            if subject.learning {
                lines.append(Line("What is usual is still being learnt: that takes ten minutes.", .dim))
            }
        }
        lines += subject.reasons.flatMap { unusual($0, width) }
        lines += subject.recommendations.flatMap { advice($0, width) }
        if !subject.metrics.isEmpty { lines += [.empty] + metrics(subject.metrics, width, figures) }
        return Block("\(shown(subject.kind)) \(shown(subject.name))\(pids)", lines)
    }

    private static func text(_ text: String, _ width: Int) -> [Line] {
        wrapped(shown(text), to: max(20, width - 2)).map { Line($0) }
    }

    private static func unusual(_ reason: String, _ width: Int) -> [Line] {
        hanging("unusual: ", .warning, shown(reason), .text, width)
    }

    private static func advice(_ advice: AnalysisReport.Advice, _ width: Int) -> [Line] {
        hanging("advice:  ", .accent, shown(advice.advice), .text, width)
            + hanging("         ", .dim, shown(advice.evidence), .dim, width)
    }

    /// A text behind a word, broken where it is too long, and moved in below.
    private static func hanging(_ word: String, _ role: Role, _ text: String, _ textRole: Role, _ width: Int) -> [Line]
    {
        let indent = DTMText.columns(of: word)
        return wrapped(text, to: max(20, width - 2 - indent)).enumerated().map { index, part in
            [
                Span(index == 0 ? word : String(repeating: " ", count: indent), index == 0 ? role : .text),
                Span(part, textRole),
            ]
        }
    }

    private static func findings(_ report: AnalysisReport, _ figures: Figures) -> Block {
        guard !report.findings.isEmpty else { return Block("Findings", [Line("Nothing was found.", .good)]) }
        return Block(
            "Findings",
            report.findings.prefix(20).flatMap { finding in
                [figures.risk(finding.risk) + Line("  \(shown(finding.title))") + Line("  \(shown(finding.id))", .dim)]
                    + finding.evidence.prefix(3).map { Line("      \(shown($0))", .dim) }
            })
    }

    // MARK: Metrics

    /// From here on the last ten seconds were unlike before.
    private static let unusualScore = 0.7

    private static func metrics(
        _ metrics: [AnalysisReport.MetricFigures], _ width: Int, _ figures: Figures
    ) -> [Line] {
        var table = TextColumns(titles: ["METRIC", "NOW", "1 MIN", "1 H", "SCORE"], trailing: [1, 2, 3, 4])
        table.rows = metrics.map { metric in
            [
                Line(shown(metric.name)), figures.measured(metric.now, unit: metric.unit),
                figures.measured(metric.minute, unit: metric.unit), figures.measured(metric.hour, unit: metric.unit),
                metric.score.map { score($0) } ?? figures.unknown,
            ]
        }
        let lines = table.lines()
        let used = lines.first?.width ?? 0
        // The trend is as wide as there is room for, a column for each second at the most.
        let room = min(120, width - used - 4)
        guard room >= 8 else { return lines }
        return lines.enumerated().map { index, line in
            line + "  " + (index == 0 ? Line("LAST 2 MIN", .header) : trend(metrics[index - 1].recent, room, figures))
        }
    }

    private static func score(_ score: Double) -> Line {
        guard score.isFinite else { return Line("?") }
        let hundredths = Int((min(1, max(0, score)) * 100).rounded())
        let text = "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
        return Line(text, score >= unusualScore ? .warning : .dim)
    }

    /// The highest of what falls into each column.
    private static func trend(_ values: [Double], _ width: Int, _ figures: Figures) -> Line {
        let recent = Array(values.suffix(120))
        let span = max(1, (120 + width - 1) / width)
        let columns = stride(from: recent.count % span - span, to: recent.count, by: span).compactMap { start in
            recent[max(0, start)..<max(0, min(start + span, recent.count))].max()
        }
        let text = figures.glyphs.sparkline(
            columns.map(Optional.some), width: 120 / span, maximum: columns.max() ?? 0)
        return Line(text, .graph)
    }
}
