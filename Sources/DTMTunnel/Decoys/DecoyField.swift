public import DTMCore

/// The decoys of one tunnel beside the listeners of its rotation: decides when which opens and closes, and does nothing
/// itself.
///
/// Construct it, give it ``Input/start``, then every input as it happens and ``Input/tick`` at ``nextDeadline``; carry out
/// the actions in order; end with ``Input/stop``.
///
/// A decoy lives as a listener of the rotation does: it opens a random lead before an epoch, and closes as if it had been
/// live for that epoch and had stayed for its overlap and a random time more. One is closed only once another one listens in
/// its place: there are as many as are wanted at every moment, and more while places change hands.
public struct DecoyField: Sendable {
    /// What is wanted.
    public private(set) var wanted = Wanted(decoys: 0)
    private(set) var timing: RotationTiming
    private(set) var schedule: EndpointSchedule

    enum Phase { case idle, running, stopped }

    /// Which of the two kinds.
    enum Kind: CaseIterable { case decoy, sentinel }

    struct Standing: Sendable {
        let token: DecoyToken
        let endpoint: Endpoint
        let kind: Kind
        var end: Timestamp
        /// When its successor opens; nil once it was asked for, or when there shall be none.
        var successorAt: Timestamp?
    }

    /// One that shall open.
    struct Birth: Sendable {
        let kind: Kind
        let life: Life
        var at: Timestamp
        var failures = 0
        var draw: EndpointDraw?
    }

    /// How long one lives.
    enum Life { case whole, remainder, outOfTurn }

    struct Opening: Sendable {
        var birth: Birth
        let endpoint: Endpoint
        let unansweredAt: Timestamp
    }

    private(set) var phase = Phase.idle
    var standing: [Standing] = []
    var births: [Birth] = []
    var openings: [DecoyToken: Opening] = [:]
    private var lastToken: UInt64 = 0
    private var pending: [Action] = []

    /// A field that waits for ``Input/start``, and wants none until it is told.
    public init(timing: RotationTiming, schedule: EndpointSchedule) {
        self.timing = timing
        self.schedule = schedule
    }

    /// Takes an input that happened at `now` (steady time). `generator` draws endpoints and times: a secret one, or who
    /// knows it knows which listeners are decoys.
    public mutating func handle(
        _ input: Input, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        apply(input, now: now, using: &generator)
        if phase == .running { settle(now: now, using: &generator) }
        defer { pending = [] }
        return pending
    }

    /// How many listen, those included that only wait for their end.
    public var count: Int { standing.count }

    /// How many of the wanted ones listen.
    public var filled: Int {
        Kind.allCases.reduce(0) { sum, kind in sum + min(wanted(kind), standing.count { $0.kind == kind }) }
    }

    /// When to give the next ``Input/tick``; nil when nothing is planned.
    public var nextDeadline: Timestamp? {
        guard phase == .running else { return nil }
        var earliest: Timestamp?
        func consider(_ moment: Timestamp) { earliest = min(earliest ?? moment, moment) }
        let spare = spares
        for entry in standing {
            if let moment = entry.successorAt {
                consider(moment)
            } else if spare[entry.kind, default: 0] > 0 {
                // Otherwise it waits for its successor to listen.
                consider(entry.end)
            }
        }
        for birth in births { consider(birth.at) }
        for opening in openings.values { consider(opening.unansweredAt) }
        return earliest
    }

    /// How many there shall be. At one address they are fewer than its ports: nobody could move otherwise. While some make
    /// room for others, they take the rest.
    func wanted(_ kind: Kind) -> Int {
        let wanted = kind == .decoy ? wanted.decoys : wanted.sentinels
        guard mode(of: kind) == .fixed else { return wanted }
        return min(wanted, Int(Double(schedule.portCount) * DecoyTimes.mostOfPorts))
    }

    /// How many of each kind may close.
    var spares: [Kind: Int] {
        let sentinels = standing.count { $0.kind == .sentinel }
        return [
            .decoy: standing.count - sentinels - wanted(.decoy), .sentinel: sentinels - wanted(.sentinel),
        ]
    }

    func mode(of kind: Kind) -> AddressMode { kind == .sentinel ? .fixed : schedule.parameters.addressMode }

    mutating func emit(_ action: Action) { pending.append(action) }

    mutating func makeToken() -> DecoyToken {
        lastToken += 1
        return DecoyToken(number: lastToken)
    }
}

extension DecoyField {
    private mutating func apply(_ input: Input, now: Timestamp, using generator: inout some RandomNumberGenerator) {
        switch input {
        case .start: if phase == .idle { phase = .running }
        case .tick: break
        case .wanted(let wanted): self.wanted = wanted
        case .timing(let timing): self.timing = timing
        case .schedule(let schedule): replace(schedule)
        case .forced: turnOver(now: now, using: &generator)
        case .opened(let token): opened(token, now: now, using: &generator)
        case .openFailed(let token, let failure): openFailed(token, failure, now: now, using: &generator)
        case .gone(let token): standing.removeAll { $0.token == token }
        case .stop: stop()
        }
    }

    private mutating func replace(_ schedule: EndpointSchedule) {
        self.schedule = schedule
        let before = standing
        standing = before.filter { schedule.holds($0.endpoint, mode: mode(of: $0.kind)) }
        let kept = Set(standing.map(\.token))
        for entry in before where !kept.contains(entry.token) { emit(.close(entry.token)) }
        for index in births.indices { births[index].draw = nil }
        for token in openings.keys { openings[token]?.birth.draw = nil }
    }

    private mutating func stop() {
        phase = .stopped
        for entry in standing { emit(.close(entry.token)) }
        standing = []
        births = []
        openings = [:]
    }

    private mutating func opened(
        _ token: DecoyToken, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) {
        guard let opening = openings.removeValue(forKey: token),
            schedule.holds(opening.endpoint, mode: mode(of: opening.birth.kind))
        else { return emit(.close(token)) }
        let birth = opening.birth
        let end = end(of: birth.life, birth.kind, now: now, using: &generator)
        standing.append(
            Standing(
                token: token, endpoint: opening.endpoint, kind: birth.kind, end: end,
                successorAt: successor(before: end, birth.kind, using: &generator)))
    }

    private mutating func openFailed(
        _ token: DecoyToken, _ failure: OpenFailure, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) {
        guard var birth = openings.removeValue(forKey: token)?.birth else { return }
        birth.failures += 1
        let isPatient = failure == .taken && birth.failures % DecoyTimes.mostDraws != 0
        birth.at = isPatient ? now : now + interval.part(of: DecoyTimes.wait, using: &generator)
        if !isPatient { birth.draw = nil }
        births.append(birth)
    }
}
