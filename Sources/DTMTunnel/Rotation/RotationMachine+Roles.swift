import DTMCore

extension RotationMachine {
    /// The ready listener becomes live, the live one its overlap. Both serve at every moment in between.
    mutating func flip(
        to token: ListenerToken, forcedAt: Timestamp?, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) {
        guard let index = entries.firstIndex(where: { $0.listener.token == token }) else { return }
        let previous = liveEntry?.listener
        let due = due(at: now)
        setRole(.live, at: index)
        let listener = entries[index].listener
        emit(
            .flip(
                Flip(
                    token: token, turn: listener.turn, endpoint: listener.endpoint, candidate: listener.candidate,
                    previous: previous, decidedAt: min(now, forcedAt ?? start(of: entries[index].goal)),
                    nextAt: start(of: due.next))))
        if let previous { supersede(previous.token, now: now, using: &generator) }
    }

    private mutating func supersede(
        _ token: ListenerToken, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) {
        guard let index = entries.firstIndex(where: { $0.listener.token == token }) else { return }
        guard timing.overlapMilliseconds > 0 else { return retire(token, now: now, using: &generator) }
        setRole(.overlap, at: index)
        entries[index].end = now + .milliseconds(Int64(timing.overlapMilliseconds))
    }

    /// The listener is a decoy from now on, and closes after a random time.
    mutating func retire(_ token: ListenerToken, now: Timestamp, using generator: inout some RandomNumberGenerator) {
        guard let index = entries.firstIndex(where: { $0.listener.token == token }) else { return }
        setRole(.decoy, at: index)
        entries[index].end = now + interval.part(of: RotationTimes.linger, using: &generator)
    }

    /// Ends the roles whose time has come.
    mutating func endRoles(now: Timestamp, using generator: inout some RandomNumberGenerator) {
        for entry in entries {
            guard let end = entry.end, end <= now else { continue }
            if entry.listener.role == .overlap {
                retire(entry.listener.token, now: now, using: &generator)
            } else {
                close(entry.listener.token)
            }
        }
    }

    mutating func close(_ token: ListenerToken) {
        guard let index = entries.firstIndex(where: { $0.listener.token == token }) else { return }
        entries.remove(at: index)
        emit(.close(token))
    }

    /// Keeps the listeners within bounds before one more is opened: a decoy goes first, then the endpoint that was
    /// superseded the longest ago. The live one never goes.
    mutating func makeRoom() {
        while entries.count >= max(4, limits.maximumListeners) {
            let ended = entries.filter { $0.end != nil }
            guard let oldest = ended.first(where: { $0.listener.role == .decoy }) ?? ended.first else { return }
            close(oldest.listener.token)
        }
    }

    private mutating func setRole(_ role: ListenerRole, at index: Int) {
        guard entries[index].listener.role != role else { return }
        entries[index].listener.role = role
        emit(.setRole(entries[index].listener.token, role))
    }
}
