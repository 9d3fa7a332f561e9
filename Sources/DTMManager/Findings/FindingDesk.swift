import DTMAPI
import DTMAnalysis
import DTMCore
import Synchronization

/// The rules and the book of findings, for all of control.
final class FindingDesk: Sendable {
    private struct State {
        var rules = RuleSet()
        var book: FindingBook
        /// What models said, apart from the rest: it can't take anything's place.
        var advised: FindingBook
    }
    private let state: Mutex<State>
    /// The most of what models said that is kept.
    private static let mostAdvised = 64

    init(limits: FindingBook.Limits = FindingBook.Limits()) {
        var few = limits
        few.capacity = min(limits.capacity, Self.mostAdvised)
        few.evidenceLength = max(limits.evidenceLength, 500)
        state = Mutex(State(book: FindingBook(limits: limits), advised: FindingBook(limits: few)))
    }

    /// - Parameter kept: What was found and learnt before; what can't be read is told, and begun anew.
    convenience init(kept: Memory?, recorder: EventRecorder, at now: Timestamp) {
        self.init()
        guard let kept else { return }
        Self.reading("what was found", recorder) {
            let book = try FindingBook(snapshot: kept.book, at: now)
            state.withLock { $0.book = book }
        }
        Self.reading("what the rules learnt", recorder) {
            try state.withLock { state in try state.rules.restore(kept.learnt) }
        }
    }

    private static func reading(_ what: String, _ recorder: EventRecorder, _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            let described = error as? any DescribedError
            recorder.record(
                Event.Kind.findingsUnreadable, .error,
                [
                    "code": .string(described?.codeName ?? "failed"),
                    "reason": .string(described?.message ?? "\(error)"), "effect": .string("\(what) is begun anew"),
                ])
        }
    }

    /// What survives a restart.
    struct Memory: Sendable, Equatable {
        var book: [UInt8]
        var learnt: [UInt8]
    }

    /// What is to survive a restart, and the number of the change it has.
    func memory() -> (memory: Memory, change: UInt64) {
        state.withLock { state in
            (
                Memory(book: state.book.snapshot(), learnt: state.rules.snapshot()),
                state.book.change &+ state.rules.change
            )
        }
    }

    /// Goes up when there is something more to keep.
    var keptChange: UInt64 { state.withLock { $0.book.change &+ $0.rules.change } }

    /// Forgets what was learnt of tunnels that are not there any more.
    func forget(besides names: Set<String>) { state.withLock { $0.rules.forget(besides: names) } }

    /// What an event shows, and what became of it.
    func take(_ event: Event) -> [FindingBook.Outcome] {
        state.withLock { state in state.rules.look(at: event).map { state.book.take($0) } }
    }

    /// Takes what something else than a rule saw.
    func take(_ sighting: Sighting) -> FindingBook.Outcome { state.withLock { $0.book.take(sighting) } }

    /// Takes what a model said: it is shown beside the others, and changes none of them.
    func advise(_ sighting: Sighting) -> FindingBook.Outcome { state.withLock { $0.advised.take(sighting) } }

    /// Tells the rules of a tunnel that no event told them of.
    func know(_ record: TunnelRecord) {
        state.withLock {
            $0.rules.know(
                tunnel: record.name.text, target: record.draft.target.description, app: record.draft.application)
        }
    }

    /// The highest risk first; what is old is gone.
    func findings(at now: Timestamp) -> [Finding] {
        state.withLock { state in
            state.book.prune(now: now)
            state.advised.prune(now: now)
            // What rules and detectors found comes first among equals.
            return (state.book.findings + state.advised.findings).enumerated().sorted {
                ($1.element.risk, $0.offset) < ($0.element.risk, $1.offset)
            }.map(\.element)
        }
    }

    subscript(id: String) -> Finding? { state.withLock { $0.book[id] ?? $0.advised[id] } }

    /// Goes up with every change.
    var change: UInt64 { state.withLock { $0.book.change &+ $0.advised.change } }

    func dismiss(_ id: String, at now: Timestamp) -> Finding? {
        state.withLock { $0.book.dismiss(id, at: now) ?? $0.advised.dismiss(id, at: now) }
    }
}

/// All findings at a moment, and what each caller is shown of them.
struct FindingScene: Hashable, Sendable {
    /// Nil: nobody has looked yet.
    private(set) var findings: [Finding]?
    private var now: Timestamp
    private var threshold: Int
    private var limit: Int
    private var actions: [String: String] = [:]

    /// Before the first look.
    init() {
        now = Timestamp(nanoseconds: 0)
        threshold = 0
        limit = 0
    }

    /// - Parameters:
    ///   - findings: The highest risk first.
    ///   - threshold: The risk from which something is to be done.
    ///   - limit: The most that are shown.
    ///   - actions: What is done about them, by id.
    init(
        _ findings: [Finding], at now: Timestamp, threshold: Int, limit: Int = .max, actions: [String: String] = [:]
    ) {
        self.actions = actions
        self.findings = findings
        self.now = now
        self.threshold = threshold
        self.limit = limit
    }

    /// What somebody is shown who sees these tunnels; nil: all there is.
    func list(tunnels: Set<String>?) -> FindingList {
        guard let findings else { return FindingList(available: false, findings: []) }
        let seen = tunnels.map { tunnels in findings.filter { $0.tunnel.map(tunnels.contains) ?? false } } ?? findings
        var list = FindingList(
            available: true,
            findings: seen.prefix(limit).map { FindingReport($0, threshold: threshold, action: actions[$0.id]) })
        list.total = seen.count
        let machine = RiskAssessment(seen, at: now)
        list.risk = FindingRisk(
            machine: machine.risk, threshold: threshold, arithmetic: machine.arithmetic,
            apps: parts(of: seen, by: \.app), tunnels: parts(of: seen, by: \.tunnel))
        return list
    }

    /// The riskiest first, bounded.
    private func parts(of findings: [Finding], by name: KeyPath<Finding, String?>) -> [FindingRisk.Part] {
        let named = Dictionary(grouping: findings.filter { $0[keyPath: name] != nil }) { $0[keyPath: name] ?? "" }
        return named.map { name, findings in
            let assessment = RiskAssessment(findings, at: now)
            return FindingRisk.Part(name: name, risk: assessment.risk, arithmetic: assessment.arithmetic)
        }
        .sorted { ($0.risk, $1.name) > ($1.risk, $0.name) }.prefix(64).map(\.self)
    }
}

extension FindingReport {
    init(_ finding: Finding, threshold: Int, action: String?) {
        self.init(
            id: finding.id, time: finding.time.rfc3339, app: finding.app, tunnel: finding.tunnel, risk: finding.risk,
            verdict: finding.verdict(threshold: threshold), title: finding.title, evidence: finding.evidence,
            source: finding.source.rawValue, action: action, code: finding.code,
            since: finding.since.rfc3339, count: finding.count, subject: finding.subject.description,
            confidence: finding.confidence, wrongWhen: finding.facts?.wrongWhen)
        advice = finding.facts?.advice
    }
}

extension Finding {
    /// What the description of the rule or the detector says, or of what models say.
    var facts: FindingKind.Facts? {
        if source == .model { return Sighting.modelFacts }
        return FindingKind(rawValue: code)?.facts ?? DetectionKind(rawValue: code)?.facts
    }

    /// `threat` from the threshold on, `suspicious` from half of it, otherwise `notable`. What a model said is never a threat, also when
    /// the threshold was lowered since.
    func verdict(threshold: Int) -> String {
        risk >= threshold && source != .model ? "threat" : risk * 2 >= threshold ? "suspicious" : "notable"
    }

    /// The event that tells that it is new, or worse than before.
    func event(_ kind: String, at now: Timestamp, threshold: Int) -> Event {
        var detail: [String: DetailValue] = [
            "id": .string(id), "code": .string(code), "risk": .integer(Int64(risk)), "title": .string(title),
            "verdict": .string(verdict(threshold: threshold)), "confidence": .double(confidence),
            "count": .integer(Int64(clamping: count)), "subject": .string(subject.description),
            "source": .string(source.rawValue), "evidence": .list(evidence),
        ]
        if let advice = facts?.advice { detail["advice"] = .string(advice) }
        return Event(
            time: now, kind: kind, severity: risk >= threshold ? .error : risk * 2 >= threshold ? .warning : .notice,
            tunnel: tunnel, app: app, identity: nil, detail: detail)
    }
}
