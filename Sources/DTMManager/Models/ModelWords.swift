import DTMAPI
import DTMAnalysis
import DTMCore
import DTMModels

extension Sighting {
    /// The one code of what models say.
    static let modelAttention = "model.attention"

    /// What there is to know of it before anything was said; `docs/models.md` has it as a row.
    static let modelFacts = FindingKind.Facts(
        title: "A model asks you to look at it", risk: 99, confidence: 0.3,
        wrongWhen: "the model guesses, or somebody has put words into its mouth",
        advice: "look at the numbers that it refers to with dtm analyze NAME; nothing was done because of it")

    /// What a model's word makes of an application: something to look at, below the risk from which anything is done; nil when it
    /// asks for no attention.
    init?(
        _ opinion: ModelAdvice.Opinion, about subject: Briefing.Subject, of source: ModelAdvice.Source, threshold: Int,
        at now: Timestamp
    ) {
        let isAlarming = opinion.verdict == .suspicious || opinion.verdict == .malicious
        let risk = min(opinion.attention, threshold - 1, Self.modelFacts.risk)
        guard isAlarming, risk > 0 else { return nil }
        let app: String? = if case .application(let name) = subject.subject { name } else { nil }
        self.init(
            code: Self.modelAttention, time: now,
            subject: app.map { .application($0) } ?? .tunnel(subject.subject.name),
            tunnel: app == nil ? subject.subject.name : nil, app: app, risk: risk,
            confidence: Self.modelFacts.confidence,
            title: Self.modelFacts.title,
            evidence: [
                "\(source.provider.rawValue) \(source.model) says: \(opinion.verdict.rawValue), attention "
                    + "\(opinion.attention)",
                "in its words: \(opinion.summary)",
            ] + (opinion.evidence.isEmpty ? [] : ["it refers to \(opinion.references.joined(separator: ", "))"]),
            source: .model)
    }
}

extension ModelAdvice.Opinion {
    /// As `bytes_out_per_minute`, each once.
    fileprivate var references: [String] { Set(evidence.map(\.description)).sorted() }
}

extension ModelOpinion {
    init(
        _ opinion: ModelAdvice.Opinion, about subject: AnalysisSubject, of source: ModelAdvice.Source, at now: Timestamp
    ) {
        self.init(
            model: "\(source.provider.rawValue) \(source.model)", time: now.rfc3339, name: subject.name,
            verdict: opinion.verdict.rawValue, attention: opinion.attention, summary: opinion.summary,
            evidence: opinion.references, recommendation: opinion.recommendation)
    }
}

extension ModelReport {
    init(_ health: ProviderHealth, message: String?) {
        self.init(
            name: "\(health.provider.rawValue) \(health.model)", host: health.host, state: health.state.name,
            until: health.state.until?.rfc3339, failures: health.failures,
            lastError: health.lastAdvice == nil || health.failures > 0 || message != nil
                ? health.lastFailure.map { "models.\($0.rawValue)" } : nil,
            message: message, lastAdvice: health.lastAdvice?.rfc3339, mode: health.mode,
            requestsToday: health.requestsToday, tokensToday: health.tokensToday)
    }
}

extension ProviderHealth.State {
    fileprivate var name: String {
        switch self {
        case .ready: "ready"
        case .open: "open"
        case .halfOpen: "half-open"
        case .onHold: "on-hold"
        case .budgetSpent: "budget-spent"
        }
    }

    fileprivate var until: Timestamp? { if case .onHold(let until) = self { until } else { nil } }
}
