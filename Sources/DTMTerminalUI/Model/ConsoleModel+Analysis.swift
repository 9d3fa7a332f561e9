import DTMAPI
import DTMText

/// What the analyst said when it was asked last.
struct AnalysisAnswer: Hashable, Sendable {
    enum Outcome: Hashable, Sendable {
        case report(AnalysisReport)
        /// It knows of nobody so named, or could not be asked.
        case failed(message: String, hint: String?)
    }
    /// Who was asked about.
    var name: String
    var outcome: Outcome
}

/// A question to the analyst.
struct AnalysisQuestion: Hashable, Sendable {
    var name: String
    /// Of the console's clock.
    var at: Duration
    /// Whether the answer is still to come.
    var isOpen = true

    /// Between two questions about the same.
    static let interval = Duration.seconds(2)
    /// After so long no answer comes any more: it was asked of a manager that has gone.
    static let patience = Duration.seconds(20)

    /// Whether it is to be asked again.
    func isDue(at now: Duration) -> Bool { now - at >= (isOpen ? Self.patience : Self.interval) }
}

extension ConsoleModel {
    /// Whom the details are about, as the analyst knows him: nil where no details of an application or a tunnel are open.
    var analysisSubject: String? {
        switch details.last {
        case .analysis(let name), .tunnel(let name): name
        case .app(let pid): String(pid)
        default: nil
        }
    }

    mutating func askForAnalysis() {
        dialog = .prompt(
            .init(
                purpose: .analyse, title: "Analyse which process?",
                hint: "a PID, or an application's or a tunnel's name; Enter takes it",
                text: suggestedForAnalysis))
    }

    private var suggestedForAnalysis: String {
        if let app = subjectApp { return String(app.report.pid) }
        if let tunnel = subjectTunnel { return tunnel.report.name }
        return subjectFinding.flatMap { $0.app ?? $0.tunnel } ?? ""
    }

    mutating func answer(_ prompt: Dialog.Prompt) -> [Effect] {
        let name = prompt.text
        if let pid = Int32(name), pid > 0, data.tunnels[name] == nil, data.apps[pid] == nil {
            fail("there is no process \(pid) among those that are known", hint: "v lists all processes")
            return []
        }
        guard isKnown(name) else {
            fail(
                "\(name.isEmpty ? "nothing" : shown(name)) is no PID, no application and no tunnel",
                hint: "1 and 2 list those that there are")
            return []
        }
        if case .analysis = details.last { details.removeLast() }
        details.append(.analysis(name))
        scroll = 0
        return tick(at: now)
    }

    private func isKnown(_ name: String) -> Bool {
        if let pid = Int32(name), data.apps[pid] != nil { return true }
        return data.tunnels[name] != nil || data.apps.values.contains { $0.report.application == name }
    }
}
