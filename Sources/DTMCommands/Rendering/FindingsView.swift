import DTMAPI
import DTMCore
import DTMText

/// Which findings are wanted.
struct FindingSelection: Hashable, Sendable {
    var app: String?
    var minRisk = 0

    func contains(_ finding: FindingReport) -> Bool {
        guard finding.risk >= minRisk else { return false }
        guard let app else { return true }
        return finding.app == app || finding.tunnel == app
    }

    /// The finding whose id starts so.
    ///
    /// - Throws: `finding.unknown`.
    static func one(_ id: String, of list: FindingList) throws(CommandFailure) -> FindingReport {
        let found = list.findings.filter { $0.id.hasPrefix(id) }
        guard let first = found.first, found.count == 1 || first.id == id, !id.isEmpty else {
            throw CommandFailure(
                codeName: "finding.unknown", message: "there is no finding \(shown(id)), or more than one begins so",
                hint: "dtm findings lists them")
        }
        return first
    }
}

/// `dtm findings` for people.
enum FindingsView {
    static func lines(_ list: FindingList, _ style: TextStyle, now: Timestamp) -> [String] {
        guard list.available else { return ["This manager looks for no findings."] }
        guard !list.findings.isEmpty else { return risk(list, style) + ["Nothing was found."] }
        var table = TextTable([
            .number("RISK"), .text("WHEN"), .text("ABOUT", least: 10), .text("FINDING", least: 24), .text("ID"),
            .text("ACTION", least: 16),
        ])
        for finding in list.findings {
            table.add([
                .init(String(finding.risk), paint(finding)), .init(Quantity.relative(finding.time, to: now)),
                .init(finding.tunnel ?? finding.app ?? "-"), .init(title(finding)), .init(finding.id),
                .init(finding.action ?? finding.advice ?? "-"),
            ])
        }
        return risk(list, style) + table.lines(style)
    }

    static func details(_ finding: FindingReport, _ style: TextStyle, now: Timestamp) -> [String] {
        var facts: [(name: String, value: String)] = [
            ("risk", style.paint(String(finding.risk), paint(finding)) + ", \(shown(finding.verdict))")
        ]
        if let confidence = finding.confidence { facts.append(("sure", Quantity.percent(confidence * 100))) }
        facts.append(("seen", shown(Quantity.relative(finding.time, to: now))))
        if let count = finding.count, count > 1, let since = finding.since {
            facts.append(("times", "\(count), first \(shown(Quantity.relative(since, to: now)))"))
        }
        let rest: [(String, String?)] = [
            ("code", finding.code), ("by", finding.source), ("who", finding.subject), ("tunnel", finding.tunnel),
            ("application", finding.app), ("action", finding.action), ("to do", finding.advice),
            ("wrong when", finding.wrongWhen),
        ]
        for case (let name, let value?) in rest { facts.append((name, shown(value))) }
        return [style.paint(shown(finding.title), .bold)] + fields(facts) + ["Evidence:"]
            + finding.evidence.map { "  \(shown($0))" }
    }

    /// One that just came.
    static func line(_ finding: FindingReport, _ style: TextStyle) -> String {
        let about = finding.tunnel ?? finding.app
        return style.paint(String(finding.risk), paint(finding)) + "  \(shown(finding.id))  \(shown(finding.title))"
            + (about.map { " (\(shown($0)))" } ?? "") + (finding.subject.map { ": \(shown($0))" } ?? "")
    }

    private static func risk(_ list: FindingList, _ style: TextStyle) -> [String] {
        guard let risk = list.risk else { return [] }
        let paint: TextStyle.Paint? = risk.machine >= risk.threshold ? .red : risk.machine > 0 ? .yellow : .green
        let machine =
            "Risk of this machine: " + style.paint(String(risk.machine), paint)
            + " of 100 (threshold \(risk.threshold))"
        guard !risk.arithmetic.isEmpty else { return [machine] }
        let apps = risk.apps.prefix(5).map { "\(shown($0.name)) \($0.risk)" }.joined(separator: ", ")
        return [machine, "  = \(shown(risk.arithmetic))"] + (apps.isEmpty ? [] : ["  applications: \(apps)"])
    }

    private static func title(_ finding: FindingReport) -> String {
        finding.title + (finding.count.flatMap { $0 > 1 ? " (\($0) times)" : nil } ?? "")
    }

    private static func paint(_ finding: FindingReport) -> TextStyle.Paint? {
        switch finding.verdict {
        case "threat": .red
        case "suspicious": .yellow
        default: nil
        }
    }
}

extension FindingReport {
    /// What a `finding.raised` event tells; nil when it is none.
    init?(_ event: EventReport) {
        guard case .string(let id)? = event.detail["id"], case .integer(let risk)? = event.detail["risk"],
            case .string(let title)? = event.detail["title"]
        else { return nil }
        var evidence: [String] = []
        if case .list(let facts)? = event.detail["evidence"] { evidence = facts }
        func text(_ key: String) -> String? { event.detail[key]?.description }
        var count: UInt64?
        if case .integer(let number)? = event.detail["count"] { count = UInt64(clamping: number) }
        self.init(
            id: id, time: event.time, app: event.app, tunnel: event.tunnel, risk: Int(clamping: risk),
            verdict: text("verdict") ?? "notable", title: title, evidence: evidence, source: text("source") ?? "rule",
            action: text("action"), code: text("code"), count: count, subject: text("subject"))
        advice = text("advice")
    }
}
