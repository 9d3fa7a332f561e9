import DTMCore

extension RotationMachine {
    /// The one listener that is being made ready for a turn. There is never a second one.
    struct Preparation: Sendable {
        enum State: Sendable {
            /// Open at this moment: the planned one, or the end of the wait after a failure.
            case waiting(until: Timestamp)
            case opening(ListenerToken, unansweredAt: Timestamp)
            case handshaking(ListenerToken, unansweredAt: Timestamp)
            case ready(ListenerToken)
        }

        var goal: Goal
        var state: State
        var candidate: UInt32 = 0
        /// The input that forced this rotation; nil when its epoch brings it about.
        var forcedAt: Timestamp?
        /// In a row, without a rotation in between.
        var failures = 0
        var lastFailure: RotationStep?
        /// The steps whose failure was reported for this goal.
        var reported: Set<RotationStep> = []
    }

    func deadline(of preparation: Preparation) -> Timestamp {
        switch preparation.state {
        case .waiting(let moment), .opening(_, let moment), .handshaking(_, let moment): moment
        case .ready: start(of: preparation.goal)
        }
    }

    /// Brings what is being prepared into line with the time and the plan: the heart of the machine.
    mutating func settle(now: Timestamp, using generator: inout some RandomNumberGenerator) {
        dropObsolete(now: now, using: &generator)
        flipIfReady(now: now, using: &generator)
        aim(now: now, using: &generator)
        openIfTime(now: now)
    }

    /// True when flipping to `goal` would be wrong whenever it happened.
    ///
    /// An epoch that has passed and a generation that was overtaken are not obsolete while the live endpoint is due to
    /// move: on a machine that needs longer than an interval to prepare a listener, or under a hail of forced
    /// rotations, rotations come late and do not cease. Endpoints of a replaced schedule are.
    func isObsolete(_ goal: Goal, now: Timestamp) -> Bool {
        let due = due(at: now)
        if liveEntry?.goal == due { return goal != due.next }
        return goal.series != series || goal.turn.epoch > due.turn.epoch
    }

    private mutating func dropObsolete(now: Timestamp, using generator: inout some RandomNumberGenerator) {
        guard let preparation, isObsolete(preparation.goal, now: now) else { return }
        switch preparation.state {
        case .opening, .waiting:
            // The answer to an open is on its way; to wait for it makes forced rotations in quick succession one
            // rotation.
            return
        case .handshaking(let token, _), .ready(let token):
            retire(token, now: now, using: &generator)
            self.preparation = nil
        }
    }

    private mutating func flipIfReady(now: Timestamp, using generator: inout some RandomNumberGenerator) {
        guard let preparation, case .ready(let token) = preparation.state,
            preparation.goal.turn.epoch <= due(at: now).turn.epoch
        else { return }
        self.preparation = nil
        flip(to: token, forcedAt: preparation.forcedAt, now: now, using: &generator)
    }

    /// Chooses what to prepare: at once what is due, ahead of time what comes next.
    private mutating func aim(now: Timestamp, using generator: inout some RandomNumberGenerator) {
        let due = due(at: now)
        let isUrgent = liveEntry?.goal != due
        let goal = isUrgent ? due : due.next
        if let preparation {
            guard case .waiting = preparation.state, preparation.goal != goal else { return }
        }
        var aimed = Preparation(
            goal: goal, state: .waiting(until: isUrgent ? now : plannedMoment(of: goal, now: now, using: &generator)))
        aimed.forcedAt = isUrgent ? preparation?.forcedAt ?? forcedAt : nil
        if let preparation, preparation.failures > 0, preparation.goal.isOfSameKind(as: goal) {
            // Epochs may be shorter than the wait after a failure: it goes on through their change.
            aimed.state = preparation.state
            aimed.failures = preparation.failures
            aimed.lastFailure = preparation.lastFailure
        }
        forcedAt = nil
        preparation = aimed
    }

    /// When to open a listener for an epoch to come: a random time before it.
    private func plannedMoment(
        of goal: Goal, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> Timestamp {
        let start = start(of: goal)
        return start - min(interval, start - now).part(of: RotationTimes.lead, using: &generator)
    }

    private mutating func openIfTime(now: Timestamp) {
        guard let preparation, case .waiting(let moment) = preparation.state, moment <= now else { return }
        makeRoom()
        let token = makeToken()
        self.preparation?.state = .opening(token, unansweredAt: now + limits.answerTimeout)
        emit(.open(token, turn: preparation.goal.turn, candidate: preparation.candidate))
    }
}

extension RotationMachine.Preparation.State {
    /// Moves the moment that the state waits for.
    mutating func postpone(by step: Duration) {
        switch self {
        case .waiting(let moment): self = .waiting(until: moment + step)
        case .opening(let token, let moment): self = .opening(token, unansweredAt: moment + step)
        case .handshaking(let token, let moment): self = .handshaking(token, unansweredAt: moment + step)
        case .ready: break
        }
    }
}
