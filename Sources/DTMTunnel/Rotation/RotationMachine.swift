public import DTMCore

/// The listeners of one tunnel and how they change roles: decides, and does nothing itself.
///
/// Construct it, give it ``Input/start``, then every input as it happens and ``Input/tick`` at ``nextDeadline``; carry
/// out the actions in order; end with ``Input/stop``. A step that fails leaves the old endpoint live and is tried
/// again. `docs/rotation-protocol.md` tells the story and draws the roles.
public struct RotationMachine: Sendable {
    /// The times in force.
    public internal(set) var timing: RotationTiming
    /// The generation that is wanted.
    public internal(set) var generation: UInt32
    /// The bounds.
    public let limits: RotationLimits

    enum Phase { case idle, running, stopped }

    var phase = Phase.idle
    /// Counts replacements of the schedule: endpoints of an earlier series belong to no turn any more.
    var series: UInt32 = 0
    /// In the order of opening. All of them listen.
    var entries: [Entry] = []
    /// The listener that is being made or stands ready.
    var preparation: Preparation?
    /// Since when a rotation is forced for which nothing is being prepared yet.
    var forcedAt: Timestamp?
    private var lastNow: Timestamp?
    private var lastToken: UInt64 = 0
    private var pending: [Action] = []

    /// A machine that waits for ``Input/start``.
    public init(timing: RotationTiming, generation: UInt32, limits: RotationLimits = RotationLimits()) {
        self.timing = timing
        self.generation = generation
        self.limits = limits
    }

    /// Takes an input that happened at `now` (steady time); `generator` draws leads and delays.
    public mutating func handle(
        _ input: Input, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        followBackwardStep(to: now)
        apply(input, now: now, using: &generator)
        if phase == .running {
            endRoles(now: now, using: &generator)
            endUnanswered(now: now, using: &generator)
            settle(now: now, using: &generator)
        }
        defer { pending = [] }
        return pending
    }

    /// When to give the next ``Input/tick``; nil when nothing is planned.
    public var nextDeadline: Timestamp? {
        guard phase == .running else { return nil }
        return (entries.compactMap(\.end) + [preparation.map(deadline)].compactMap(\.self)).min()
    }

    /// The open listeners, the oldest first.
    public var listeners: [Listener] { entries.map(\.listener) }

    /// The listener whose endpoint is published; nil before the first rotation, after the end, and while a live
    /// listener that was lost is being replaced.
    public var live: Listener? { liveEntry?.listener }

    var liveEntry: Entry? { entries.first { $0.listener.role == .live } }

    mutating func emit(_ action: Action) { pending.append(action) }

    mutating func makeToken() -> ListenerToken {
        lastToken += 1
        return ListenerToken(number: lastToken)
    }

    /// Steady time does not go back. Should it all the same, every wait keeps its length.
    private mutating func followBackwardStep(to now: Timestamp) {
        defer { lastNow = now }
        guard let lastNow, now < lastNow else { return }
        let step = lastNow - now
        for index in entries.indices { entries[index].end = entries[index].end.map { $0 - step } }
        preparation?.state.postpone(by: .zero - step)
        forcedAt = forcedAt.map { $0 - step }
    }
}

extension RotationMachine {
    /// What an endpoint is computed from: a turn of one series.
    struct Goal: Hashable, Sendable {
        var turn: ScheduleTurn
        var series: UInt32
    }

    /// An open listener and what the machine knows beside it.
    struct Entry: Sendable {
        var listener: Listener
        let goal: Goal
        /// When its role ends: that of an overlap, or that of a decoy that served or never will. Nil for the live and
        /// the prepared one.
        var end: Timestamp?
    }

    var interval: Duration { .milliseconds(Int64(timing.intervalMilliseconds)) }

    /// The goal whose endpoint should be live at `now`.
    func due(at now: Timestamp) -> Goal {
        let epoch = ScheduleTime.epoch(at: now, intervalMilliseconds: timing.intervalMilliseconds)
        return Goal(turn: ScheduleTurn(epoch: epoch, generation: generation), series: series)
    }

    func start(of goal: Goal) -> Timestamp {
        ScheduleTime.start(ofEpoch: goal.turn.epoch, intervalMilliseconds: timing.intervalMilliseconds)
    }
}

extension RotationMachine.Goal {
    var next: Self { Self(turn: ScheduleTurn(epoch: turn.epoch &+ 1, generation: turn.generation), series: series) }

    /// Whether only the epochs differ.
    func isOfSameKind(as other: Self) -> Bool { turn.generation == other.turn.generation && series == other.series }
}
