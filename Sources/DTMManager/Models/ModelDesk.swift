import DTMAPI
import DTMAnalysis
import DTMCore
import DTMModels

/// What models said, which are asked, and under which names they know the applications.
///
/// What comes out of it is text for people and, at most, sightings that ``FindingDesk/advise(_:)`` keeps apart. Nothing here
/// knows of responses.
actor ModelDesk {
    /// What was said so long ago is shown no more.
    static let opinionLifetime = Duration.seconds(3_600)

    private var book: PseudonymBook
    private var panel: ModelPanel?
    private var watch = ModelWatch()
    private var opinions: [Briefing.Subject: ModelOpinion] = [:]
    private var saidAt: Timestamp?

    init(book: PseudonymBook = PseudonymBook()) { self.book = book }

    /// The book, when it gave out a pseudonym since `issued` were given out.
    func book(after issued: Int) -> PseudonymBook? { book.issued > issued ? book : nil }

    /// Takes over who is asked; nil: nobody. What others said is forgotten.
    func use(_ panel: ModelPanel?) {
        self.panel = panel
        watch = ModelWatch()
        opinions = [:]
        saidAt = nil
    }

    func brief(
        _ known: [KnownSubject], tunnels: [(name: String, app: String?)], findings: [Finding], at now: Timestamp
    ) -> Briefing {
        BriefBuilder.make(known, tunnels: tunnels, findings: findings, book: &book, at: now)
    }

    /// Takes what came of a consultation.
    ///
    /// - Returns: What deserves attention, if it was said anew, and which models are failing or well again.
    func take(
        _ outcome: PanelOutcome, about briefing: Briefing, threshold: Int, at now: Timestamp
    ) -> (sightings: [Sighting], changes: [ModelWatch.Change]) {
        let changes = watch.take(outcome, at: now)
        guard let advice = outcome.advice, outcome.origin != .unchanged || saidAt == nil else { return ([], changes) }
        saidAt = now
        opinions = [:]
        for opinion in advice.opinions {
            guard let subject = briefing.subjects[opinion.application] else { continue }
            opinions[subject] = ModelOpinion(opinion, about: subject.subject, of: advice.source, at: now)
        }
        let sightings = advice.opinions.compactMap { opinion in
            briefing.subjects[opinion.application].flatMap {
                Sighting(opinion, about: $0, of: advice.source, threshold: threshold, at: now)
            }
        }
        return (sightings, changes)
    }

    /// What was said of an application or of one of these tunnels.
    func opinions(of app: String?, tunnels: Set<String>, at now: Timestamp) -> [ModelOpinion] {
        guard let saidAt, now - saidAt < Self.opinionLifetime else { return [] }
        return opinions.filter { subject, _ in
            if case .application(let name) = subject.subject { return name == app }
            return !subject.tunnels.isDisjoint(with: tunnels)
        }.values.sorted { ($1.attention, $0.name) < ($0.attention, $1.name) }
    }

    /// How each model does, in their order.
    func reports() async -> [ModelReport] {
        guard let panel else { return [] }
        let health = await panel.health
        return health.enumerated().map { index, health in ModelReport(health, message: watch.message(index)) }
    }

    /// Exactly what would be sent for a brief now.
    func prompt(for briefing: Briefing) async -> [ModelPromptReport.Request] {
        guard let panel else { return [] }
        let standing = HTTPTransport.standingHeaders.map { "\($0.name): \($0.value)" }
        return await panel.showPrompt(for: briefing.brief).map {
            .init(url: $0.url, headers: standing + $0.headers, body: $0.body)
        }
    }
}
