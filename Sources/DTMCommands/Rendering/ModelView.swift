import DTMAPI
import DTMText

/// Models, for people: what they say, how they do, and what they would be sent.
enum ModelView {
    /// A model's words are marked as such, and come after what was measured.
    static func opinions(_ opinions: [ModelOpinion], _ style: TextStyle) -> [String] {
        guard !opinions.isEmpty else { return [] }
        return ["", style.paint("What models say (it decides nothing)", .bold)]
            + opinions.flatMap { opinion -> [String] in
                let head = "  \(shown(opinion.name)): \(shown(opinion.verdict)), attention \(opinion.attention)"
                let references =
                    opinion.evidence.isEmpty
                    ? "" : "  refers to \(opinion.evidence.map { shown($0) }.joined(separator: ", "))"
                return [head + style.paint("  (\(shown(opinion.model)))", .dim), "      \(shown(opinion.summary))"]
                    + (opinion.recommendation.map { ["      advice: \(shown($0))"] } ?? [])
                    + (references.isEmpty ? [] : ["    " + references])
            }
    }

    /// As `ollama qwen3:8b at 127.0.0.1: ready, 24 requests today`.
    static func line(_ report: ModelReport) -> String {
        let trouble = report.message.map { ": \(shown($0))" } ?? ""
        return
            "\(shown(report.name)) at \(shown(report.host)): \(shown(report.state)), \(report.requestsToday) requests "
            + "today\(trouble)"
    }

    static func prompt(_ report: ModelPromptReport, _ style: TextStyle) -> [String] {
        guard !report.requests.isEmpty else {
            return ["Nothing is sent: no model is set up in analysis.models."]
        }
        var lines: [String] = []
        if !report.enabled { lines.append("# Nothing is sent: analysis is off.") }
        if report.applications == 0 { lines.append("# Nothing is sent: there is nothing to tell of yet.") }
        for request in report.requests {
            if !lines.isEmpty { lines.append("") }
            lines += ["POST \(shown(request.url))"] + request.headers.map { shown($0) } + ["", shown(request.body)]
        }
        return lines
    }
}
