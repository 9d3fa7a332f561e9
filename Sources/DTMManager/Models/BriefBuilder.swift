import DTMAnalysis
import DTMCore
import DTMModels

/// What is known of one tunnel or application, for a brief.
struct KnownSubject: Sendable {
    var subject: AnalysisSubject
    /// The application behind a tunnel.
    var app: String?
    var figures: [SubjectProfile.Figures]
}

/// A brief, and what its pseudonyms stand for on this host.
struct Briefing: Sendable {
    /// What one pseudonym stands for.
    struct Subject: Hashable, Sendable {
        var subject: AnalysisSubject
        /// An application's tunnels, or the tunnel itself.
        var tunnels: Set<String>
    }

    var brief: AnalysisBrief
    var subjects: [Pseudonym: Subject]
}

/// Makes briefs. Names go into the book of pseudonyms alone: a brief has no field that could hold one.
enum BriefBuilder {
    private struct Group {
        var tunnels: Set<String> = []
        var readings = FeatureReadings()
        var notes: [FindingNote] = []
        var risk = 0

        /// Whether there is nothing to tell of it.
        var isEmpty: Bool { readings.now.isEmpty && notes.isEmpty }
    }

    /// The codes that a model may be told: those of rules and detectors.
    static let codes = Set(FindingKind.allCases.map(\.code) + DetectionKind.allCases.map(\.code))

    /// - Parameters:
    ///   - known: What the analyst measured.
    ///   - tunnels: All tunnels, with the applications behind them.
    ///   - findings: All findings; what models said is left out, so that none hears itself or another.
    static func make(
        _ known: [KnownSubject], tunnels: [(name: String, app: String?)], findings: [Finding],
        book: inout PseudonymBook, at now: Timestamp
    ) -> Briefing {
        var groups: [AnalysisSubject: Group] = [:]
        for tunnel in tunnels { groups[key(tunnel.name, tunnel.app), default: Group()].tunnels.insert(tunnel.name) }
        for subject in known {
            groups[key(subject), default: Group()].readings.add(FeatureReadings(subject.figures))
        }
        let judged = findings.filter { $0.source != .model }
        for subject in groups.keys {
            let own = judged.filter { $0.isAbout(subject, groups[subject]?.tunnels ?? []) }
            groups[subject]?.notes = own.compactMap(note)
            groups[subject]?.risk = RiskAssessment(own, at: now).risk
        }
        return briefing(groups, &book)
    }

    private static func briefing(_ groups: [AnalysisSubject: Group], _ book: inout PseudonymBook) -> Briefing {
        let order = groups.filter { !$0.value.isEmpty }.sorted {
            ($1.value.risk, $0.key.bookName) < ($0.value.risk, $1.key.bookName)
        }
        var briefing = Briefing(brief: AnalysisBrief(applications: []), subjects: [:])
        for (subject, group) in order.prefix(AnalysisBrief.maximumApplications) {
            let pseudonym = book.pseudonym(for: subject.bookName)
            briefing.subjects[pseudonym] = .init(subject: subject, tunnels: group.tunnels)
            briefing.brief.applications.append(
                ApplicationBrief(
                    pseudonym: pseudonym, tier: group.tunnels.isEmpty ? .unprotected : .fronted, risk: group.risk,
                    features: group.readings.now, usual: group.readings.usual, findings: group.notes))
        }
        return briefing
    }

    private static func key(_ tunnel: String, _ app: String?) -> AnalysisSubject {
        app.map { .application($0) } ?? .tunnel(tunnel)
    }

    private static func key(_ known: KnownSubject) -> AnalysisSubject {
        if case .tunnel(let name) = known.subject { key(name, known.app) } else { known.subject }
    }

    private static func note(_ finding: Finding) -> FindingNote? {
        FindingCode(finding.code, among: codes).map {
            FindingNote(code: $0, risk: finding.risk, count: finding.count)
        }
    }
}

extension AnalysisSubject {
    /// Its name in the book of pseudonyms.
    fileprivate var bookName: String {
        switch self {
        case .application(let name): "application \(name)"
        case .tunnel(let name): "tunnel \(name)"
        }
    }
}

extension Finding {
    /// Whether it is about an application or one of its tunnels.
    fileprivate func isAbout(_ subject: AnalysisSubject, _ tunnels: Set<String>) -> Bool {
        if let tunnel { return tunnels.contains(tunnel) }
        guard case .application(let name) = subject else { return false }
        return app == name
    }
}
