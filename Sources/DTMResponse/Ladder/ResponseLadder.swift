public import DTMCore

/// Decides what is done about findings: how far, for how long, and when it is taken back.
///
/// A value. Its life: construct, from a journal where there is one → ``restart(at:)`` what was in force → findings,
/// samples and ticks → whoever holds it writes ``journal`` down, *then* carries out what came out, and tells how it went.
/// Times come from a clock that does not step; one that runs backwards stands still instead.
///
/// A subject climbs one rung at a time, on evidence alone: silence lets responses run out and never leads to a harsher one.
public struct ResponseLadder: Sendable {
    public internal(set) var policy: ResponsePolicy
    public internal(set) var journal: ResponseJournal
    var subjects: [ResponseSubject: SubjectState] = [:]
    /// When each tunnel was rotated, as far back as the window goes.
    var rotations: [String: [Timestamp]] = [:]
    /// How many applications there are, for the share that may be in quarantine.
    public private(set) var applications = 0
    /// Those that are over, the oldest first.
    public internal(set) var past: [PastResponse] = []
    private var lastNow = Timestamp(nanoseconds: .min)

    public init(policy: ResponsePolicy, journal: ResponseJournal = ResponseJournal()) {
        self.policy = policy
        self.journal = journal
    }

    /// Whether nothing acts until ``resume(at:)``.
    public var isStopped: Bool { journal.isStopped }

    /// How many subjects are remembered.
    public var subjectCount: Int { subjects.count }

    /// The moment, which never goes back.
    mutating func advance(to now: Timestamp) -> Timestamp {
        lastNow = max(lastNow, now)
        return lastNow
    }

    // MARK: Facts

    /// Takes over how many applications there are.
    public mutating func count(applications: Int) { self.applications = max(0, applications) }

    /// Takes over another policy. What became protected is let go; what a stricter mode would not have done runs out.
    public mutating func take(_ policy: ResponsePolicy, at now: Timestamp) -> [ResponseOutput] {
        let now = advance(to: now)
        self.policy = policy
        var outputs: [ResponseOutput] = []
        for response in journal.active where response.rung.cutsOff && policy.protected.contains(response.subject) {
            outputs += end(response, .undone, at: now)
        }
        return outputs
    }

    // MARK: Evidence

    /// A finding. A rule's raises an alarm at once, a detector's counts as a sample; a model's is no evidence: models advise.
    public mutating func take(_ finding: Finding, at now: Timestamp) -> [ResponseOutput] {
        guard finding.source != .model else { return [] }
        let evidence = Evidence(
            risk: finding.risk, tunnel: finding.tunnel,
            reason: "\(finding.code): \(finding.title)".bounded(to: ResponseJournal.maximumText / 2))
        return weigh(evidence, against: finding.subject, isHard: finding.source == .rule, at: now)
    }

    /// A risk that was measured, alarming or not.
    public mutating func sample(
        _ subject: ResponseSubject, risk: Int, tunnel: String? = nil, at now: Timestamp
    ) -> [ResponseOutput] {
        weigh(
            Evidence(risk: risk, tunnel: tunnel, reason: "the risk is \(risk) of 100"), against: subject, isHard: false,
            at: now)
    }

    private mutating func weigh(
        _ evidence: Evidence, against subject: ResponseSubject, isHard: Bool, at time: Timestamp
    ) -> [ResponseOutput] {
        let now = advance(to: time)
        let tunnelFits = (evidence.tunnel?.utf8.count ?? 0) <= ResponseJournal.maximumText
        guard subject.isKept, tunnelFits else {
            return [.withhold(.record, .host, tunnel: nil, reason: "a subject's name is too long to be kept")]
        }
        var outputs = tick(at: now)
        if subjects[subject] == nil { makeRoomForSubject() }
        var state = subjects[subject] ?? SubjectState(at: now)
        state.lastSeen = now
        if evidence.risk >= min(policy.calmBelow, policy.threshold) { state.lastUncalm = now }
        let isAlarming = evidence.risk >= policy.threshold
        let isHeld = isHard ? isAlarming : state.sample(isAlarming, policy)
        if isHeld, isAlarming {
            state.isRaised = true
            state.pressing = evidence
        }
        subjects[subject] = state
        outputs += climbIfDue(subject, at: now)
        return outputs
    }

    /// Forgets whoever got least far, and of those whoever was silent longest. What is in force against him runs out all
    /// the same.
    private mutating func makeRoomForSubject() {
        guard subjects.count >= policy.maximumSubjects else { return }
        let mildest = subjects.min { left, right in
            (left.value.isRaised ? 1 : 0, left.value.rung, left.value.lastSeen, left.key.description)
                < (right.value.isRaised ? 1 : 0, right.value.rung, right.value.lastSeen, right.key.description)
        }
        if let mildest { subjects[mildest.key] = nil }
    }

    // MARK: Time

    /// Ends what is over, goes on with what waited for its minute, and forgets what is long ago. Call it every few
    /// seconds.
    public mutating func tick(at time: Timestamp) -> [ResponseOutput] {
        let now = advance(to: time)
        var outputs: [ResponseOutput] = []
        for response in journal.entries.values.sorted(by: { $0.id < $1.id }) {
            guard let expiry = response.expiry, expiry <= now else { continue }
            switch response.phase {
            case .proposed: outputs += withdraw(response, .lapsed, at: now)
            case .applying, .active: outputs += end(response, .expired, at: now)
            case .undoing: break
            }
        }
        for (subject, state) in subjects where now - state.lastUncalm >= policy.calmFor {
            if state.isRaised { subjects[subject]?.calm() }
            if now - state.lastSeen >= policy.calmFor { subjects[subject] = nil }
        }
        let pressing = subjects.filter { $0.value.pressing != nil && $0.value.isRaised }.keys
        for subject in pressing.sorted(by: { $0.description < $1.description }) {
            outputs += climbIfDue(subject, at: now)
        }
        journal.repetitions = journal.repetitions.filter { now - $0.value.last < policy.memory }
        rotations = rotations.compactMapValues { times in
            let recent = times.filter { now - $0 < policy.rotationWindow }
            return recent.isEmpty ? nil : recent
        }
        return outputs
    }
}
