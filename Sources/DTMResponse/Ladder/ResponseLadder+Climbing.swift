import DTMCore

/// A step upward: which, and whether it acts, waits or is withheld.
extension ResponseLadder {
    /// Climbs one rung where there is evidence and the last step is long enough ago.
    mutating func climbIfDue(_ subject: ResponseSubject, at now: Timestamp) -> [ResponseOutput] {
        guard !isStopped, var state = subjects[subject], state.isRaised, let evidence = state.pressing else {
            return []
        }
        if let climbedAt = state.climbedAt, now - climbedAt < policy.climbInterval { return [] }
        state.pressing = nil
        state.climbedAt = now
        let rungs = subject.rungs(hasTunnel: evidence.tunnel != nil)
        // Whoever is at the top already gets what moves the target once more: it cuts nobody off.
        let next = rungs.first { $0 > state.rung } ?? rungs.first { $0 == .rotate }
        if let next { state.rung = max(state.rung, next) }
        subjects[subject] = state
        guard let next else { return [] }
        return order(next, subject, evidence, at: now)
    }

    private mutating func order(
        _ rung: ResponseRung, _ subject: ResponseSubject, _ evidence: Evidence, at now: Timestamp
    ) -> [ResponseOutput] {
        if rung == .notify { return notify(subject, evidence) }
        func withheld(_ reason: String) -> [ResponseOutput] {
            [.withhold(rung, subject, tunnel: evidence.tunnel, reason: reason)]
        }
        if rung.cutsOff, policy.protected.contains(subject) { return withheld("\(subject) is protected") }
        let known = journal.entries.values.filter {
            $0.subject == subject && $0.rung == rung && $0.phase != .undoing
                && (rung.cutsOff || $0.tunnel == evidence.tunnel)
        }.min { $0.id < $1.id }
        let waits = rung.needsApproval || rung > policy.mode.highestAutomaticRung
        // What waits under a milder mode than the one of now waits no longer.
        if let known, waits || known.phase != .proposed { return [] }
        if waits {
            let why = rung.needsApproval ? "it needs a person's approval" : "the mode is \(policy.mode.rawValue)"
            return propose(rung, subject, evidence, why, at: now)
        }
        do throws(ResponseError) {
            try checkBudget(rung, subject, evidence.tunnel)
        } catch {
            guard rung == .quarantine else { return withheld(error.message) }
            return known == nil ? propose(rung, subject, evidence, error.message, at: now) : []
        }
        guard let roomMade = makeRoom(for: rung, at: now) else { return withheld("too many responses are in force") }
        let response =
            known
            ?? Response(
                id: journal.takeNumber(), rung: rung, subject: subject, tunnel: evidence.tunnel,
                reason: evidence.reason, since: now, expiry: nil, phase: .applying)
        return roomMade + perform(response, at: now)
    }

    private func notify(_ subject: ResponseSubject, _ evidence: Evidence) -> [ResponseOutput] {
        guard policy.mode.highestAutomaticRung >= .notify else { return [] }
        return [
            .notify(
                ResponseNotice(
                    subject: subject, tunnel: evidence.tunnel, risk: evidence.risk, reason: evidence.reason))
        ]
    }

    /// - Throws: `response.budget`.
    func checkBudget(_ rung: ResponseRung, _ subject: ResponseSubject, _ tunnel: String?) throws(ResponseError) {
        if rung == .rotate, let tunnel, rotations[tunnel, default: []].count >= policy.rotations {
            throw ResponseError(
                .budget,
                "\(tunnel) was rotated \(policy.rotations) times within \(Int(policy.rotationWindow.inSeconds)) s already"
            )
        }
        guard rung == .quarantine else { return }
        var cutOff = Set(journal.active.filter { $0.rung == .quarantine }.map(\.subject))
        cutOff.insert(subject)
        guard cutOff.count * policy.quarantineShare <= applications else {
            throw ResponseError(
                .budget,
                "\(cutOff.count) of \(applications) applications would be in quarantine, and at most one in "
                    + "\(policy.quarantineShare) may be",
                hint: "take another one out of quarantine: dtm respond list, dtm respond undo ID")
        }
    }

    /// Orders it. Whether it may be done has been looked at.
    mutating func perform(_ response: Response, at now: Timestamp) -> [ResponseOutput] {
        var response = response
        response.phase = .applying
        response.since = now
        response.expiry = nil
        if response.rung.lasts {
            let key = ResponseJournal.Repeated(subject: response.subject, rung: response.rung)
            let lifetime = policy.lifetime(afterRepetitions: journal.repetitions[key]?.count ?? 0)
            response.expiry = now + lifetime
            journal.note(key, at: now + lifetime)
        }
        if response.rung == .rotate, let tunnel = response.tunnel { rotations[tunnel, default: []].append(now) }
        journal.entries[response.id] = response
        return [.perform(response)]
    }

    private mutating func propose(
        _ rung: ResponseRung, _ subject: ResponseSubject, _ evidence: Evidence, _ why: String, at now: Timestamp
    ) -> [ResponseOutput] {
        var outputs: [ResponseOutput] = []
        let proposals = journal.proposals
        if proposals.count >= policy.maximumProposals,
            let mildest = proposals.min(by: { ($0.rung, $0.id) < ($1.rung, $1.id) })
        {
            guard mildest.rung <= rung else {
                return [.withhold(rung, subject, tunnel: evidence.tunnel, reason: "too many proposals wait")]
            }
            outputs = withdraw(mildest, .madeRoom, at: now)
        }
        let response = Response(
            id: journal.takeNumber(), rung: rung, subject: subject, tunnel: evidence.tunnel,
            reason: "\(evidence.reason) (\(why))".bounded(to: ResponseJournal.maximumText), since: now,
            expiry: now + policy.memory, phase: .proposed)
        journal.entries[response.id] = response
        return outputs + [.propose(response)]
    }

    /// Ends the mildest and oldest where there are as many as may be.
    ///
    /// - Returns: Nil when there is no room, and nothing milder.
    mutating func makeRoom(for rung: ResponseRung, at now: Timestamp) -> [ResponseOutput]? {
        let active = journal.active
        guard active.count >= policy.maximumActive else { return [] }
        // One that is being taken back holds its place until it is: not more than as many again.
        guard active.count < policy.maximumActive * 2,
            let mildest = active.filter({ $0.phase != .undoing && $0.rung.lasts && $0.rung < rung })
                .min(by: { ($0.rung, $0.id) < ($1.rung, $1.id) })
        else { return nil }
        return end(mildest, .madeRoom, at: now)
    }

    // MARK: Ending

    /// Orders that it be taken back, once.
    mutating func end(_ response: Response, _ end: ResponseEnd, at now: Timestamp) -> [ResponseOutput] {
        guard response.phase == .applying || response.phase == .active else { return [] }
        guard response.rung.lasts else {
            close(response, end, at: now)
            return []
        }
        var ending = response
        ending.phase = .undoing
        journal.entries[response.id] = ending
        let key = ResponseJournal.Repeated(subject: response.subject, rung: response.rung)
        if journal.repetitions[key] != nil { journal.repetitions[key]?.last = now }
        // Whoever goes on meets the same rung again, for twice as long.
        if let rung = subjects[response.subject]?.rung, rung >= response.rung {
            subjects[response.subject]?.rung = ResponseRung(rawValue: response.rung.rawValue - 1) ?? .record
        }
        remember(response, end, at: now)
        return [.undo(ending, end)]
    }

    mutating func withdraw(_ response: Response, _ end: ResponseEnd, at now: Timestamp) -> [ResponseOutput] {
        close(response, end, at: now)
        return [.withdraw(response, end)]
    }

    mutating func close(_ response: Response, _ end: ResponseEnd, at now: Timestamp) {
        journal.entries[response.id] = nil
        remember(response, end, at: now)
    }

    private mutating func remember(_ response: Response, _ end: ResponseEnd, at now: Timestamp) {
        past.append(PastResponse(response: response, end: end, time: now))
        if past.count > policy.maximumPast { past.removeFirst(past.count - policy.maximumPast) }
    }
}
