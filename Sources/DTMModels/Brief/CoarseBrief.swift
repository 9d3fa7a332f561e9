/// A brief in steps instead of numbers: what is told, compared and looked up in the cache. A steady machine has the
/// same one minute after minute.
struct CoarseBrief: Hashable, Sendable {
    struct Reading: Hashable, Sendable {
        var now: FeatureStep
        var usual: FeatureStep?
    }

    struct Finding: Hashable, Sendable {
        var code: FindingCode
        /// In tens.
        var risk: Int
        var count: FeatureStep
    }

    struct Application: Hashable, Sendable {
        var tier: ApplicationBrief.Tier
        /// In tens.
        var risk: Int
        var readings: [Feature: Reading]
        /// By code.
        var findings: [Finding]
    }

    private(set) var applications: [Pseudonym: Application] = [:]

    init() {}

    /// - Parameter previous: what the same applications were told as before. A number that is not far from the one
    ///   told then, and a risk that has moved by less than 15, stays where it was.
    init(_ brief: AnalysisBrief, since previous: CoarseBrief) {
        for application in Self.mostTelling(brief.applications) {
            applications[application.pseudonym] = Application(
                application, since: previous.applications[application.pseudonym])
        }
    }

    /// Those with the highest risk, within the bound; the one that comes first when a pseudonym is there twice.
    private static func mostTelling(_ all: [ApplicationBrief]) -> [ApplicationBrief] {
        var seen: Set<Pseudonym> = []
        let distinct = all.filter { seen.insert($0.pseudonym).inserted }
        let sorted = distinct.sorted { ($1.risk, $0.pseudonym) < ($0.risk, $1.pseudonym) }
        return Array(sorted.prefix(AnalysisBrief.maximumApplications))
    }
}

extension CoarseBrief.Application {
    init(_ application: ApplicationBrief, since previous: Self?) {
        tier = application.tier
        risk = Self.coarse(application.risk, since: previous?.risk)
        readings = [:]
        for (feature, value) in application.features {
            let before = previous?.readings[feature]
            readings[feature] = CoarseBrief.Reading(
                now: Self.settled(value, since: before?.now),
                usual: application.usual[feature].map { Self.settled($0, since: before?.usual) })
        }
        findings = Self.findings(application.findings, since: previous)
    }

    private static func findings(_ notes: [FindingNote], since previous: Self?) -> [CoarseBrief.Finding] {
        var worst: [FindingCode: FindingNote] = [:]
        for note in notes {
            guard let known = worst[note.code] else {
                worst[note.code] = note
                continue
            }
            let (count, overflow) = known.count.addingReportingOverflow(note.count)
            worst[note.code] = FindingNote(
                code: note.code, risk: max(known.risk, note.risk), count: overflow ? .max : count)
        }
        let telling = worst.values.sorted { ($1.risk, $0.code) < ($0.risk, $1.code) }
        return telling.prefix(AnalysisBrief.maximumFindings).map { note in
            let before = previous?.findings.first { $0.code == note.code }
            return CoarseBrief.Finding(
                code: note.code, risk: coarse(note.risk, since: before?.risk),
                count: settled(Double(note.count), since: before?.count))
        }.sorted { $0.code < $1.code }
    }

    private static func settled(_ value: Double, since previous: FeatureStep?) -> FeatureStep {
        previous?.settled(by: value) ?? FeatureStep(value)
    }

    private static func coarse(_ risk: Int, since previous: Int?) -> Int {
        if let previous, abs(risk - previous) < 15 { return previous }
        return risk / 10 * 10
    }
}
