public import DTMCore

/// What people decide, how orders went, and the start after an end.
extension ResponseLadder {
    /// Does what was proposed. Who is protected and what the budgets are holds for people too.
    ///
    /// - Throws: `response.unknown`, `_state`, `_stopped`, `_protected`, `_budget`; nothing has changed then.
    public mutating func approve(_ id: Response.ID, at time: Timestamp) throws(ResponseError) -> [ResponseOutput] {
        let now = advance(to: time)
        let response = try proposal(id)
        guard !isStopped else {
            throw ResponseError(.stopped, "responses are stopped: nothing acts", hint: "dtm respond resume")
        }
        if response.rung.cutsOff, policy.protected.contains(response.subject) {
            throw ResponseError(
                .protected, "\(response.subject) is protected, and is never cut off",
                hint: "response.protected in config.json names whom; the manager and its operator always are")
        }
        try checkBudget(response.rung, response.subject, response.tunnel)
        guard let outputs = makeRoom(for: response.rung, at: now) else {
            throw ResponseError(
                .budget, "too many responses are in force", hint: "dtm respond list, dtm respond undo ID")
        }
        return outputs + perform(response, at: now)
    }

    /// Puts a proposal away.
    ///
    /// - Throws: `response.unknown`, `_state`.
    public mutating func dismiss(_ id: Response.ID, at time: Timestamp) throws(ResponseError) -> [ResponseOutput] {
        let now = advance(to: time)
        return withdraw(try proposal(id), .dismissed, at: now)
    }

    /// Takes back what is in force, before its time.
    ///
    /// - Throws: `response.unknown`, `_state`, `_not_undoable`.
    public mutating func undo(_ id: Response.ID, at time: Timestamp) throws(ResponseError) -> [ResponseOutput] {
        let now = advance(to: time)
        guard let response = journal.entries[id] else {
            guard let gone = past.last(where: { $0.response.id == id }) else { throw Self.unknown(id) }
            guard gone.response.rung.lasts || gone.end != .done else { throw Self.notUndoable(gone.response) }
            throw ResponseError(.state, "\(id) is over already: \(gone.end.rawValue)")
        }
        guard response.phase != .proposed else {
            throw ResponseError(.state, "\(id) waits for a decision", hint: "dtm respond dismiss \(id)")
        }
        guard response.rung.lasts else { throw Self.notUndoable(response) }
        guard response.phase != .undoing else { throw ResponseError(.state, "\(id) is being taken back already") }
        return end(response, .undone, at: now)
    }

    private static func notUndoable(_ response: Response) -> ResponseError {
        ResponseError(
            .notUndoable, "\(response.rung.name) can't be taken back",
            hint: response.rung == .revoke ? "an identity that is revoked stays so; a connector gets a new one" : nil)
    }

    private static func unknown(_ id: Response.ID) -> ResponseError {
        ResponseError(.unknown, "there is no response \(id)", hint: "dtm respond list shows those there are")
    }

    private func proposal(_ id: Response.ID) throws(ResponseError) -> Response {
        guard let response = journal.entries[id] else {
            if let gone = past.last(where: { $0.response.id == id }) {
                throw ResponseError(.state, "\(id) is over already: \(gone.end.rawValue)")
            }
            throw Self.unknown(id)
        }
        guard response.phase == .proposed else {
            throw ResponseError(.state, "\(id) is in force already", hint: "dtm respond undo \(id)")
        }
        return response
    }

    // MARK: All at once

    /// Nothing acts from now on, and everything that is in force is taken back. Proposals stay, and alarms begin anew.
    public mutating func stop(at time: Timestamp) -> [ResponseOutput] {
        let now = advance(to: time)
        journal.isStopped = true
        let outputs = journal.active.flatMap { end($0, .stopped, at: now) }
        for subject in subjects.keys { subjects[subject]?.calm() }
        return outputs
    }

    /// Responses act again. What was taken back stays so, until there is evidence again.
    public mutating func resume(at time: Timestamp) {
        _ = advance(to: time)
        journal.isStopped = false
        for subject in subjects.keys { subjects[subject]?.calm() }
    }

    // MARK: Orders

    /// How an order went. One that failed is taken back, for it may have been done in part; one to take back that failed
    /// is repeated by ``retry()``.
    public mutating func outcome(
        of id: Response.ID, _ outcome: ResponseOutcome, at time: Timestamp
    ) -> [ResponseOutput] {
        let now = advance(to: time)
        guard var response = journal.entries[id] else { return [] }
        switch (response.phase, outcome) {
        case (.applying, .done) where response.rung.lasts:
            response.phase = .active
            journal.entries[id] = response
            return []
        case (.applying, .done):
            close(response, .done, at: now)
            return []
        case (.applying, .failed): return end(response, .failed, at: now)
        case (.undoing, .done):
            journal.entries[id] = nil
            return []
        case (.undoing, .failed), (.active, _), (.proposed, _): return []
        }
    }

    /// Orders again to take back what was not taken back yet.
    public func retry() -> [ResponseOutput] {
        journal.active.filter { $0.phase == .undoing }.map { .undo($0, .failed) }
    }

    // MARK: A start after an end

    /// What must be done so that what the journal says is in force: call it once, before anything else.
    ///
    /// What lasts and has time left is done again; what is over is taken back. Of what is done once, a revocation is done
    /// again and a rotation forgotten; that an application be stopped waits for a person anew, since the one that runs now
    /// may be another.
    public mutating func restart(at time: Timestamp) -> [ResponseOutput] {
        let now = advance(to: time)
        var outputs: [ResponseOutput] = []
        for response in journal.active { outputs += restart(response, at: now) }
        return outputs
    }

    private mutating func restart(_ response: Response, at now: Timestamp) -> [ResponseOutput] {
        guard response.phase != .undoing else { return [.undo(response, .interrupted)] }
        if response.rung.lasts {
            // A clock that was set back makes nothing last longer than it was meant to.
            var again = response
            let lifetime = (response.expiry ?? now) - response.since
            again.expiry = min(response.expiry ?? now, now + lifetime)
            again.phase = .applying
            journal.entries[response.id] = again
            if isStopped { return end(again, .stopped, at: now) }
            if again.rung.cutsOff, policy.protected.contains(again.subject) { return end(again, .undone, at: now) }
            return (again.expiry ?? now) <= now ? end(again, .expired, at: now) : [.perform(again)]
        }
        switch response.rung {
        case .revoke where !policy.protected.contains(response.subject) && !isStopped: return [.perform(response)]
        case .stopApplication:
            var again = response
            again.phase = .proposed
            again.since = now
            again.expiry = now + policy.memory
            journal.entries[again.id] = again
            return [.propose(again)]
        default:
            close(response, .interrupted, at: now)
            return []
        }
    }
}
