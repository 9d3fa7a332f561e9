import DTMCore

/// The random times of decoys. They are those of ``RotationTimes``, so that neither age nor moment tells one from a listener
/// of the rotation.
enum DecoyTimes {
    /// When a listener of the rotation opens, as parts of the epoch before its own.
    static let opening = (1 - RotationTimes.lead.upperBound)...(1 - RotationTimes.lead.lowerBound)
    /// How long a sentinel keeps its port, as parts of the interval: a program that wants it gets it soon.
    static let sentinel = 0.5...1.0
    /// The wait after one could not be opened, as parts of the interval.
    static let wait = 0.1...0.4
    /// How many endpoints are drawn in a row before such a wait.
    static let mostDraws = 8
    /// Which part of the ports of one address decoys may take for good.
    static let mostOfPorts = 0.8
    /// Which part of the decoys moves with a forced rotation: one of the listeners that the rotation has at a time, 2.7 with
    /// the default times.
    static let turnedOver = 0.37
    /// How long an open may stay unanswered.
    static let answerTimeout: Duration = .seconds(5)
}

extension DecoyField {
    var interval: Duration { .milliseconds(Int64(timing.intervalMilliseconds)) }
    private var overlap: Duration { .milliseconds(Int64(timing.overlapMilliseconds)) }

    private func startOfEpoch(holding moment: Timestamp) -> Timestamp {
        let milliseconds = timing.intervalMilliseconds
        return ScheduleTime.start(
            ofEpoch: ScheduleTime.epoch(at: moment, intervalMilliseconds: milliseconds),
            intervalMilliseconds: milliseconds)
    }

    /// When one that opens now closes.
    func end(
        of life: Life, _ kind: Kind, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> Timestamp {
        guard kind == .decoy else { return now + interval.part(of: DecoyTimes.sentinel, using: &generator) }
        let nextEpoch = startOfEpoch(holding: now) + interval
        let linger = interval.part(of: RotationTimes.linger, using: &generator)
        switch life {
        case .whole: return nextEpoch + interval + overlap + linger
        case .outOfTurn: return nextEpoch + overlap + linger
        case .remainder:
            // As if it had been there for a while, or all would close together.
            let whole = interval.part(of: RotationTimes.lead, using: &generator) + interval + overlap + linger
            return now + whole.part(of: 0...1, using: &generator)
        }
    }

    /// When the successor of one that closes at `end` opens: at a moment at which the rotation opens its listeners.
    func successor(
        before end: Timestamp, _ kind: Kind, using generator: inout some RandomNumberGenerator
    ) -> Timestamp {
        guard kind == .decoy else { return end }
        let moment =
            startOfEpoch(holding: end) + interval.part(of: DecoyTimes.opening, using: &generator)
        return moment <= end ? moment : moment - interval
    }

    mutating func settle(now: Timestamp, using generator: inout some RandomNumberGenerator) {
        endUnanswered(now: now, using: &generator)
        askForSuccessors(now: now)
        for kind in Kind.allCases { reconcile(kind, now: now, using: &generator) }
        closeEnded(now: now)
        openDue(now: now, using: &generator)
    }

    private mutating func askForSuccessors(now: Timestamp) {
        for index in standing.indices {
            guard let moment = standing[index].successorAt, moment <= now else { continue }
            standing[index].successorAt = nil
            births.append(Birth(kind: standing[index].kind, life: .whole, at: moment))
        }
    }

    /// Keeps as many lines of decoys going as are wanted. What is missing, because it was lost or more are wanted, opens at
    /// once.
    private mutating func reconcile(_ kind: Kind, now: Timestamp, using generator: inout some RandomNumberGenerator) {
        let lines = standing.count { $0.successorAt != nil && $0.kind == kind }
        let planned = births.count { $0.kind == kind } + openings.values.count { $0.birth.kind == kind }
        let missing = wanted(kind) - lines - planned
        if missing > 0 {
            for _ in 0..<missing { births.append(Birth(kind: kind, life: .remainder, at: now)) }
        } else if missing < 0 {
            giveUp(-missing, kind, now: now, using: &generator)
        }
    }

    /// Ends lines: first those that wait for an endpoint, then those that stand, after a random time.
    private mutating func giveUp(
        _ count: Int, _ kind: Kind, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) {
        var left = count
        let heads = standing.indices.filter { standing[$0].kind == kind && standing[$0].successorAt != nil }
        births.removeAll { birth in
            guard left > 0, birth.kind == kind else { return false }
            left -= 1
            return true
        }
        for index in heads.shuffled(using: &generator).prefix(left) {
            standing[index].successorAt = nil
            standing[index].end = min(
                standing[index].end, now + interval.part(of: RotationTimes.linger, using: &generator))
        }
    }

    private mutating func closeEnded(now: Timestamp) {
        guard standing.contains(where: { $0.end <= now }) else { return }
        var spare = spares
        var kept: [Standing] = []
        kept.reserveCapacity(standing.count)
        for entry in standing {
            if entry.end <= now, spare[entry.kind, default: 0] > 0, entry.successorAt == nil {
                spare[entry.kind, default: 0] -= 1
                emit(.close(entry.token))
            } else {
                kept.append(entry)
            }
        }
        standing = kept
    }

    private mutating func openDue(now: Timestamp, using generator: inout some RandomNumberGenerator) {
        let due = births.filter { $0.at <= now }
        guard !due.isEmpty else { return }
        births.removeAll { $0.at <= now }
        for var birth in due {
            var draw = birth.draw ?? schedule.draw(mode: mode(of: birth.kind))
            guard let endpoint = draw.next(using: &generator) else {
                // Every port is taken.
                birth.draw = nil
                birth.at = now + interval.part(of: DecoyTimes.wait, using: &generator)
                births.append(birth)
                continue
            }
            birth.draw = draw
            let token = makeToken()
            openings[token] = Opening(
                birth: birth, endpoint: endpoint, unansweredAt: now + DecoyTimes.answerTimeout)
            emit(.open(token, endpoint))
        }
    }

    private mutating func endUnanswered(now: Timestamp, using generator: inout some RandomNumberGenerator) {
        let lost = openings.filter { $0.value.unansweredAt <= now }.sorted { $0.key.number < $1.key.number }
        for (token, opening) in lost {
            openings[token] = nil
            var birth = opening.birth
            birth.at = now
            births.append(birth)
        }
    }

    /// Some of the decoys are superseded now, as the live endpoint is.
    mutating func turnOver(now: Timestamp, using generator: inout some RandomNumberGenerator) {
        let heads = standing.indices.filter { standing[$0].kind == .decoy && standing[$0].successorAt != nil }
        let count = Int((Double(wanted.decoys) * DecoyTimes.turnedOver).rounded(.up))
        for index in heads.shuffled(using: &generator).prefix(count) {
            let left = overlap + interval.part(of: RotationTimes.linger, using: &generator)
            standing[index].end = min(standing[index].end, now + left)
            standing[index].successorAt = nil
            births.append(Birth(kind: .decoy, life: .outOfTurn, at: now))
        }
    }
}
