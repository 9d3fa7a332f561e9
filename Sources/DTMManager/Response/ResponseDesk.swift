import DTMAPI
import DTMConfiguration
import DTMCore
import DTMPolicy
import DTMResponse

/// Joins the ladder, which decides, with what carries its decisions out.
///
/// Its life: construct → ``start()``, which puts back what was in force → ``take(_:)`` for every finding and ``tick()``
/// every few seconds. What was decided is written down before it is done. One thing after another: a second finding
/// waits until the first is answered.
actor ResponseDesk {
    /// After this time a process that was asked to end is ended by force.
    static let patience: Duration = .seconds(5)
    private static let countEvery: Duration = .seconds(30)
    private var ladder: ResponseLadder
    private let effects: any ResponseEffects
    private let protection: ResponseProtection
    private let configuration: @Sendable () async -> Configuration
    private let recorder: EventRecorder
    private let clock: any TimeSource
    /// Whether the policy has a pace of its own, whatever the configuration says.
    private let isPaced: Bool
    /// Nil when nothing survives a restart.
    private let keeper: StateKeeper?
    private var written: [UInt8]
    private var stopping: [(process: StoppedProcess, since: Timestamp)] = []
    private var counted: Timestamp?
    /// Who decided what is carried out at this moment; nil when nobody did.
    private var person: UInt32?
    private var isBusy = false
    /// Goes up whenever something may have changed.
    private(set) var change: UInt64 = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Parameter kept: The journal of before; one that can't be read is told, and begun anew.
    init(
        kept: [UInt8]?, policy: ResponsePolicy = ResponsePolicy(), effects: any ResponseEffects,
        protection: ResponseProtection,
        configuration: @escaping @Sendable () async -> Configuration, recorder: EventRecorder, clock: any TimeSource,
        keeper: StateKeeper?
    ) {
        var journal = ResponseJournal()
        do throws(ResponseError) {
            if let kept { journal = try ResponseJournal(decoding: kept) }
        } catch {
            recorder.record(
                Event.Kind.responseFailed, .error,
                [
                    "code": .string(error.codeName), "reason": .string(error.message),
                    "effect": "no response is in force",
                ])
        }
        ladder = ResponseLadder(policy: policy, journal: journal)
        isPaced = policy.climbInterval != ResponsePolicy().climbInterval
        written = journal.encoded
        self.effects = effects
        self.protection = protection
        self.configuration = configuration
        self.recorder = recorder
        self.clock = clock
        self.keeper = keeper
    }

    // MARK: What comes in

    /// Puts back what was in force. Call it once, when the tunnels are there.
    func start() async {
        await run { desk, now in
            guard !desk.ladder.journal.entries.isEmpty else { return [] }
            return desk.ladder.restart(at: now)
        }
    }

    /// Answers a finding of a rule or a detector. What a model says is never answered, whoever passes it on.
    func take(_ finding: Finding) async {
        guard finding.source != .model else { return }
        await run(about: finding.subject) { desk, now in desk.ladder.take(finding, at: now) }
    }

    /// A risk that was measured, alarming or not.
    func sample(_ subject: ResponseSubject, risk: Int, tunnel: String?) async {
        await run(about: subject) { desk, now in desk.ladder.sample(subject, risk: risk, tunnel: tunnel, at: now) }
    }

    /// Ends what is over. Call it every few seconds.
    func tick() async {
        await run { desk, now in desk.ladder.tick(at: now) + desk.ladder.retry() }
        let now = clock.now()
        let late = stopping.filter { now - $0.since >= Self.patience }.map(\.process)
        stopping.removeAll { now - $0.since >= Self.patience }
        if !late.isEmpty { await effects.end(late) }
    }

    /// Whether a person's approval of it takes the operator's passphrase: it can't be taken back.
    func needsOperator(_ id: DTMResponse.Response.ID) -> Bool {
        ladder.journal.entries[id]?.rung.needsApproval ?? false
    }

    /// - Throws: `response.unknown`, `_state`, `_stopped`, `_protected`, `_budget`.
    func approve(_ id: DTMResponse.Response.ID, by uid: UInt32) async throws(ManagerError) -> ResponseList.Entry {
        try await decide(id, by: uid, Event.Kind.responseApproved) { desk, now throws(ResponseError) in
            try desk.ladder.approve(id, at: now)
        }
    }

    /// - Throws: `response.unknown`, `_state`.
    func dismiss(_ id: DTMResponse.Response.ID, by uid: UInt32) async throws(ManagerError) -> ResponseList.Entry {
        try await decide(id, by: uid, Event.Kind.responseDismissed) { desk, now throws(ResponseError) in
            try desk.ladder.dismiss(id, at: now)
        }
    }

    /// - Throws: `response.unknown`, `_state`, `_not_undoable`.
    func undo(_ id: DTMResponse.Response.ID, by uid: UInt32) async throws(ManagerError) -> ResponseList.Entry {
        try await decide(id, by: uid, nil) { desk, now throws(ResponseError) in try desk.ladder.undo(id, at: now) }
    }

    /// Nothing acts any more, and everything is taken back.
    func stop(by uid: UInt32) async {
        recorder.record(Event.Kind.responsesStopped, .warning, ["uid": .integer(Int64(uid))])
        await run { desk, now in
            desk.change += 1
            return desk.ladder.stop(at: now)
        }
    }

    func resume(by uid: UInt32) async {
        recorder.record(Event.Kind.responsesResumed, .notice, ["uid": .integer(Int64(uid))])
        await run { desk, now in
            desk.ladder.resume(at: now)
            desk.change += 1
            return []
        }
    }

    private typealias Decision = (isolated ResponseDesk, Timestamp) throws(ResponseError) -> [ResponseOutput]

    private func decide(
        _ id: DTMResponse.Response.ID, by uid: UInt32, _ kind: String?, _ body: Decision
    ) async throws(ManagerError) -> ResponseList.Entry {
        await begin()
        defer { finish() }
        await refresh(about: nil)
        let outputs: [ResponseOutput]
        do throws(ResponseError) {
            outputs = try body(self, clock.now())
        } catch {
            throw ManagerError(
                ManagerError.Code(rawValue: error.codeName) ?? .failed, error.message, hint: error.hint)
        }
        if let kind {
            recorder.record(kind, .notice, ["id": .string(id.description), "uid": .integer(Int64(uid))])
        }
        person = uid
        await carryOut(outputs)
        person = nil
        guard let entry = entry(id) else { throw ManagerError(.responseUnknown, "there is no response \(id) any more") }
        return entry
    }

    private func run(
        about subject: ResponseSubject? = nil,
        _ body: (isolated ResponseDesk, Timestamp) -> [ResponseOutput]
    ) async {
        await begin()
        defer { finish() }
        await refresh(about: subject)
        await carryOut(body(self, clock.now()))
    }

    private func begin() async {
        guard isBusy else {
            isBusy = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func finish() {
        if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
    }

    // MARK: Facts

    /// Takes over what the configuration says, and who is protected among those it is about.
    private func refresh(about subject: ResponseSubject?) async {
        let configuration = await configuration()
        let subjects = ladder.journal.entries.values.map(\.subject) + [subject].compactMap(\.self)
        var policy = ladder.policy
        policy.mode = configuration.response.mode
        if !isPaced { policy.climbInterval = .milliseconds(Int64(configuration.response.climbSeconds * 1_000)) }
        policy.threshold = Int((configuration.analysis.securityThreshold * 100).rounded())
        policy.protected = protection.protected(configuration.response.protected, among: subjects)
        if policy != ladder.policy {
            change += 1
            await carryOut(ladder.take(policy, at: clock.now()))
        }
        let now = clock.now()
        guard subject != nil || ladder.applications == 0, counted.map({ now - $0 >= Self.countEvery }) ?? true else {
            return
        }
        counted = now
        if let count = await effects.applicationCount() { ladder.count(applications: count) }
    }

    // MARK: What goes out

    private func carryOut(_ outputs: [ResponseOutput]) async {
        var queue = outputs
        if !outputs.isEmpty { change += 1 }
        // Each order leads to one outcome, which leads to one more order at most.
        var rounds = 0
        await write()
        while !queue.isEmpty, rounds < 8 {
            var next: [ResponseOutput] = []
            for output in queue { next += await carryOut(output) }
            change += 1
            await write()
            queue = next
            rounds += 1
        }
    }

    private func carryOut(_ output: ResponseOutput) async -> [ResponseOutput] {
        switch output {
        case .perform(let response):
            let outcome = await perform(response)
            note(response, outcome)
            return ladder.outcome(of: response.id, outcome, at: clock.now())
        case .undo(let response, let end):
            await makeTrue()
            note(Event.Kind.responseUndone, .notice, response, ["because": .string(end.rawValue)])
            return ladder.outcome(of: response.id, .done, at: clock.now())
        case .notify(let notice):
            recorder.record(
                Event(
                    time: clock.now(), kind: Event.Kind.responseNotified, severity: .warning, tunnel: notice.tunnel,
                    detail: [
                        "subject": .string(notice.subject.description), "risk": .integer(Int64(notice.risk)),
                        "reason": .string(notice.reason),
                    ]))
        case .propose(let response): note(Event.Kind.responseProposed, .warning, response)
        case .withdraw(let response, let end):
            if end != .dismissed {
                note(Event.Kind.responseWithdrawn, .notice, response, ["because": .string(end.rawValue)])
            }
        case .withhold(let rung, let subject, let tunnel, let reason):
            recorder.record(
                Event(
                    time: clock.now(), kind: Event.Kind.responseWithheld, severity: .notice, tunnel: tunnel,
                    detail: [
                        "rung": .string(rung.name), "subject": .string(subject.description), "reason": .string(reason),
                    ]))
        }
        return []
    }

    private func perform(_ response: DTMResponse.Response) async -> ResponseOutcome {
        do throws(ManagerError) {
            switch response.rung {
            case .record, .notify: break
            case .rotate: if let tunnel = response.tunnel { try await effects.rotate(tunnel) }
            case .raiseDecoys, .throttle, .quarantine: await makeTrue()
            case .revoke: try await effects.revoke(response.subject)
            case .stopApplication:
                let now = clock.now()
                let processes = try await effects.stop(response.subject, sparing: ladder.policy.protected)
                stopping += processes.map { ($0, now) }
            }
            return .done
        } catch {
            return .failed(error.message)
        }
    }

    /// What is in force follows from the journal alone: doing and taking back are the same.
    private func makeTrue() async {
        let active = ladder.journal.active.filter { $0.phase != .undoing }
        func subjects(_ rung: ResponseRung) -> Set<ResponseSubject> {
            Set(active.filter { $0.rung == rung }.map(\.subject))
        }
        await effects.raiseDecoys(of: Set(active.filter { $0.rung == .raiseDecoys }.compactMap(\.tunnel)))
        await effects.cutOff(quarantined: subjects(.quarantine), throttled: subjects(.throttle))
    }

    private func write() async {
        let bytes = ladder.journal.encoded
        guard bytes != written, let keeper else { return }
        written = bytes
        await keeper.keep(responses: bytes)
        // A failure has been recorded: what must be done is done all the same.
        try? await keeper.save()
    }

    private func note(_ response: DTMResponse.Response, _ outcome: ResponseOutcome) {
        switch outcome {
        case .done: note(Event.Kind.responsePerformed, .warning, response)
        case .failed(let reason): note(Event.Kind.responseFailed, .error, response, ["failure": .string(reason)])
        }
    }

    private func note(
        _ kind: String, _ severity: Severity, _ response: DTMResponse.Response, _ more: [String: DetailValue] = [:]
    ) {
        var detail: [String: DetailValue] = [
            "id": .string(response.id.description), "rung": .string(response.rung.name),
            "subject": .string(response.subject.description), "reason": .string(response.reason),
        ]
        if let expiry = response.expiry { detail["expires"] = .string(expiry.rfc3339) }
        detail.merge(more) { $1 }
        if let person { detail["uid"] = .integer(Int64(person)) }
        let identity: String? = if case .identity(let identity) = response.subject { identity } else { nil }
        let app: String? = if case .application(let name) = response.subject { name } else { nil }
        recorder.record(
            Event(
                time: clock.now(), kind: kind, severity: severity, tunnel: response.tunnel, app: app,
                identity: identity, detail: detail))
    }

    // MARK: Looking

    /// What is done about each finding, by its id; nothing where nothing is.
    func actions(about findings: [Finding]) -> [String: String] {
        findings.reduce(into: [:]) { $0[$1.id] = ladder.action(about: $1) }
    }

    /// What is in force, what waits, and what is over.
    var list: ResponseList {
        ResponseList(
            mode: ladder.policy.mode.rawValue, stopped: ladder.isStopped,
            active: ladder.journal.active.map(ResponseList.Entry.init),
            pending: ladder.journal.proposals.map(ResponseList.Entry.init),
            past: ladder.past.reversed().map(ResponseList.Entry.init))
    }

    /// What waits and what is in force, the latest `limit` of each; nothing of what is over.
    func list(atMost limit: Int) -> ResponseList {
        let active = ladder.journal.active
        let pending = ladder.journal.proposals
        var list = ResponseList(
            mode: ladder.policy.mode.rawValue, stopped: ladder.isStopped,
            active: active.suffix(limit).map(ResponseList.Entry.init),
            pending: pending.suffix(limit).map(ResponseList.Entry.init), past: [])
        let omitted = max(0, active.count - limit) + max(0, pending.count - limit)
        if omitted > 0 { list.omitted = omitted }
        return list
    }

    private func entry(_ id: DTMResponse.Response.ID) -> ResponseList.Entry? {
        ladder.journal.entries[id].map(ResponseList.Entry.init)
            ?? ladder.past.last { $0.response.id == id }.map(ResponseList.Entry.init)
    }
}

extension ResponseList.Entry {
    init(_ response: DTMResponse.Response) {
        let states: [DTMResponse.Response.Phase: String] = [
            .proposed: "proposed", .applying: "applying", .active: "active", .undoing: "undoing",
        ]
        self.init(
            id: response.id.description, rung: response.rung.name, subject: response.subject.description,
            tunnel: response.tunnel, reason: response.reason, since: response.since.rfc3339,
            expires: response.expiry?.rfc3339, state: states[response.phase] ?? "active", endedAt: nil)
    }

    init(_ past: PastResponse) {
        self.init(past.response)
        expires = nil
        state = past.end.rawValue
        endedAt = past.time.rfc3339
    }
}
