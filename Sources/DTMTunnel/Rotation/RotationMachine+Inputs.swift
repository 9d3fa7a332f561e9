import DTMCore

extension RotationMachine {
    mutating func apply(_ input: Input, now: Timestamp, using generator: inout some RandomNumberGenerator) {
        switch input {
        case .start: start(now: now)
        case .tick: break
        case .opened(let token, let endpoint, let candidate): opened(token, endpoint, candidate, now: now)
        case .openFailed(let token, let failure): openFailed(token, failure, now: now, using: &generator)
        case .handshakeSucceeded(let token): handshakeSucceeded(token)
        case .handshakeFailed(let token, let reason): handshakeFailed(token, reason, now: now, using: &generator)
        case .keyAvailable: retry(after: [.key], now: now)
        case .credentialAvailable: retry(after: [.credential, .handshake], now: now)
        case .generation(let generation): change(to: generation, now: now)
        case .timing(let timing): change(to: timing, now: now)
        case .scheduleReplaced: replaceSeries(now: now)
        case .lost(let token, let reason): lost(token, reason, now: now, using: &generator)
        case .stop: stop()
        }
    }

    private mutating func start(now: Timestamp) {
        guard phase == .idle else { return }
        phase = .running
        forcedAt = now
    }

    private mutating func stop() {
        phase = .stopped
        preparation = nil
        for entry in entries { close(entry.listener.token) }
    }

    // MARK: The plan

    private mutating func change(to generation: UInt32, now: Timestamp) {
        guard generation != self.generation else { return }
        self.generation = generation
        force(now: now)
    }

    private mutating func change(to timing: RotationTiming, now: Timestamp) {
        let hasOtherEpochs = timing.intervalMilliseconds != self.timing.intervalMilliseconds
        self.timing = timing
        if hasOtherEpochs { replaceSeries(now: now) }
    }

    private mutating func replaceSeries(now: Timestamp) {
        series &+= 1
        force(now: now)
    }

    /// A rotation is due since the first of the inputs that it answers.
    private mutating func force(now: Timestamp) {
        if phase == .running { forcedAt = forcedAt ?? now }
    }

    // MARK: Answers

    private mutating func opened(
        _ token: ListenerToken, _ endpoint: Endpoint, _ candidate: UInt32, now: Timestamp
    ) {
        guard var preparation, case .opening(token, _) = preparation.state else {
            // Too late: it was given up, or the tunnel has gone.
            return emit(.close(token))
        }
        let listener = Listener(
            token: token, turn: preparation.goal.turn, endpoint: endpoint, candidate: candidate, role: .decoy)
        entries.append(Entry(listener: listener, goal: preparation.goal))
        preparation.candidate = candidate
        preparation.state = .handshaking(token, unansweredAt: now + limits.answerTimeout)
        self.preparation = preparation
        // An obsolete one turns into a decoy as soon as the machine settles.
        if !isObsolete(preparation.goal, now: now) { emit(.handshake(token)) }
    }

    private mutating func handshakeSucceeded(_ token: ListenerToken) {
        guard case .handshaking(token, _)? = preparation?.state else { return }
        preparation?.state = .ready(token)
    }

    private mutating func openFailed(
        _ token: ListenerToken, _ failure: OpenFailure, now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let preparation, case .opening(token, _) = preparation.state else { return }
        let isLast = preparation.candidate + 1 >= limits.maximumCandidates
        if failure == .taken || failure == .reserved, !isLast {
            self.preparation?.candidate += 1
            self.preparation?.state = .waiting(until: now)
            return
        }
        self.preparation?.candidate = 0
        fail(failure.step, failure.reason(tried: preparation.candidate + 1), now: now, using: &generator)
    }

    private mutating func handshakeFailed(
        _ token: ListenerToken, _ reason: String, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) {
        guard case .handshaking(token, _)? = preparation?.state else { return }
        close(token)
        passCandidateOver()
        fail(.handshake, reason, now: now, using: &generator)
    }

    private mutating func lost(
        _ token: ListenerToken, _ reason: String, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) {
        guard let index = entries.firstIndex(where: { $0.listener.token == token }) else { return }
        let entry = entries.remove(at: index)
        if entry.listener.role == .live {
            force(now: now)
            emit(.reportFailure(turn: entry.listener.turn, step: .bind, reason: reason))
        } else if preparation?.state.token == token {
            passCandidateOver()
            fail(.bind, reason, now: now, using: &generator)
        }
    }

    // MARK: Failures

    /// Ends a step that nobody answered, so that a lost answer can't hold the tunnel up for ever.
    mutating func endUnanswered(now: Timestamp, using generator: inout some RandomNumberGenerator) {
        let reason = "no answer within \(limits.answerTimeout.inSeconds) s"
        switch preparation?.state {
        case .opening(_, let moment) where moment <= now: fail(.bind, reason, now: now, using: &generator)
        case .handshaking(let token, let moment) where moment <= now:
            handshakeFailed(token, reason, now: now, using: &generator)
        default: break
        }
    }

    private mutating func fail(
        _ step: RotationStep, _ reason: String, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) {
        guard var preparation else { return }
        preparation.failures += 1
        preparation.lastFailure = step
        let wait = RotationTimes.backoff(failures: preparation.failures, interval: interval)
        preparation.state = .waiting(until: now + wait.part(of: RotationTimes.jitter, using: &generator))
        if preparation.reported.insert(step).inserted {
            emit(.reportFailure(turn: preparation.goal.turn, step: step, reason: reason))
        }
        self.preparation = preparation
    }

    /// What was missing has come: the wait is over.
    private mutating func retry(after steps: Set<RotationStep>, now: Timestamp) {
        guard let preparation, case .waiting = preparation.state,
            let failure = preparation.lastFailure, steps.contains(failure)
        else { return }
        self.preparation?.state = .waiting(until: now)
    }

    private mutating func passCandidateOver() {
        guard let preparation else { return }
        self.preparation?.candidate = (preparation.candidate + 1) % max(1, limits.maximumCandidates)
    }
}

extension RotationMachine.OpenFailure {
    var step: RotationStep {
        switch self {
        case .keyMissing: .key
        case .credentialMissing: .credential
        case .taken, .reserved, .exhausted, .system: .bind
        }
    }

    func reason(tried: UInt32) -> String {
        switch self {
        case .keyMissing: "the key of the schedule window has not come"
        case .credentialMissing: "the listener's certificate has not come"
        case .exhausted: "every port of the range is taken"
        case .taken, .reserved: "the first \(tried) candidates are all taken"
        case .system(let reason): reason
        }
    }
}

extension RotationMachine.Preparation.State {
    /// The listener that is being prepared.
    var token: ListenerToken? {
        switch self {
        case .waiting: nil
        case .opening(let token, _), .handshaking(let token, _), .ready(let token): token
        }
    }
}
