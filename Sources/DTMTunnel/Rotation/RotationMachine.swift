public import DTMCore

/// The listeners of one tunnel and how they change roles: decides, and does nothing itself.
///
/// Construct it, give it ``Input/start``, then every input as it happens and ``Input/tick`` at ``nextDeadline``; carry out
/// the actions in order. `docs/rotation-protocol.md` tells the story. A step that fails leaves the old endpoint live.
public struct RotationMachine: Sendable {
    public private(set) var timing: RotationTiming
    /// The generation that is wanted.
    public private(set) var generation: UInt32

    public init(timing: RotationTiming, generation: UInt32, limits: RotationLimits = RotationLimits()) {
        self.timing = timing
        self.generation = generation
    }

    /// Takes an input that happened at `now` (steady time); `generator` draws leads and delays.
    public mutating func handle(
        _ input: Input, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> [Action] { [] }

    /// When to give the next ``Input/tick``; nil when nothing is planned.
    public var nextDeadline: Timestamp? { nil }

    /// The open listeners, the oldest first.
    public var listeners: [Listener] { [] }

    /// The listener whose endpoint is published; nil before the first rotation and after the end.
    public var live: Listener? { nil }
}

/// Bounds of a ``RotationMachine``.
public struct RotationLimits: Hashable, Sendable {
    /// The most listeners of one tunnel, at least 4. At the bound the oldest decoy, then the oldest overlap, makes room.
    public var maximumListeners = 64
    /// How many candidates of a turn are tried before the turn fails for the time being.
    public var maximumCandidates: UInt32 = 64
    /// How long an open or a handshake may stay unanswered.
    public var answerTimeout: Duration = .seconds(5)

    public init() {}
}
