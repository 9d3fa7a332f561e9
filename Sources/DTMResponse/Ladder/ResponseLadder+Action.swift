public import DTMCore

extension ResponseLadder {
    /// The most steps that ``action(about:)`` names.
    private static let mostSteps = 4

    /// What is or was done about a finding, and what waits for a person, the latest first; nil when nothing is to be done.
    ///
    /// Responses are aimed at subjects: two findings about one subject and tunnel have the same.
    public func action(about finding: Finding) -> String? {
        let kept = journal.entries.values.filter { isAbout(finding, $0) }.map { ($0.id, Self.words(of: $0)) }
        let over = past.filter { isAbout(finding, $0.response) && $0.time >= finding.since }
            .map { ($0.response.id, "\($0.response.rung.name) \($0.end.rawValue)") }
        let steps = (kept + over).sorted { $0.0 > $1.0 }.prefix(Self.mostSteps).map(\.1)
        if !steps.isEmpty { return steps.joined(separator: "; ") }
        guard finding.risk >= policy.threshold else { return nil }
        if isStopped { return "nothing: responses are stopped" }
        return (subjects[finding.subject]?.rung ?? .record) >= .notify && policy.mode != .observe
            ? "notified" : "recorded"
    }

    private func isAbout(_ finding: Finding, _ response: Response) -> Bool {
        response.subject == finding.subject && (response.rung.cutsOff || response.tunnel == finding.tunnel)
    }

    private static func words(of response: Response) -> String {
        switch response.phase {
        case .proposed: "\(response.rung.name) waits for dtm respond approve \(response.id)"
        case .applying: "\(response.rung.name) is under way (\(response.id))"
        case .active:
            response.expiry.map { "\(response.rung.name) until \($0.rfc3339) (\(response.id))" }
                ?? "\(response.rung.name) in force (\(response.id))"
        case .undoing: "\(response.rung.name) is being taken back (\(response.id))"
        }
    }
}
