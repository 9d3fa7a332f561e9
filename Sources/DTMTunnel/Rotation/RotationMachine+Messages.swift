public import DTMCore

/// One attempt to open a listener, and the listener that came of it. Unique within one ``RotationMachine``.
public struct ListenerToken: Hashable, Sendable, CustomStringConvertible {
    /// Counts up from 1.
    public let number: UInt64

    init(number: UInt64) { self.number = number }

    /// As `listener 7`.
    public var description: String { "listener \(number)" }
}

/// The two times of a tunnel's rotation.
public struct RotationTiming: Hashable, Sendable {
    /// The length of an epoch in milliseconds, at least 200.
    public var intervalMilliseconds: UInt32
    /// How long the endpoint before the live one still serves, in milliseconds.
    public var overlapMilliseconds: UInt32

    /// The times of a plan.
    public init(intervalMilliseconds: UInt32, overlapMilliseconds: UInt32) {
        self.intervalMilliseconds = intervalMilliseconds
        self.overlapMilliseconds = overlapMilliseconds
    }
}

/// The steps of a rotation that can fail.
public enum RotationStep: String, Hashable, Sendable, CaseIterable {
    /// The key of the turn's window is not here.
    case key
    /// No candidate could be bound.
    case bind
    /// There is no certificate for the listener.
    case credential
    /// The handshake through the new listener.
    case handshake
}

extension RotationMachine {
    /// An open listener.
    public struct Listener: Hashable, Sendable {
        /// What the actions call it.
        public let token: ListenerToken
        /// The turn that it was opened for.
        public let turn: ScheduleTurn
        /// Where it listens.
        public let endpoint: Endpoint
        /// Which candidate of the turn the endpoint is.
        public let candidate: UInt32
        /// What it is for at the moment.
        public internal(set) var role: ListenerRole
    }

    /// Why an ``Action/open(_:turn:candidate:)`` came to nothing.
    public enum OpenFailure: Hashable, Sendable {
        /// Another program holds the endpoint (`EADDRINUSE`).
        case taken
        /// This manager holds the endpoint, for this tunnel or another.
        case reserved
        /// The schedule has no candidate of that number.
        case exhausted
        /// The window's key is not here; ``Input/keyAvailable`` when it comes.
        case keyMissing
        /// The listener's certificate is not here; ``Input/credentialAvailable`` when it comes.
        case credentialMissing
        /// Anything else, as `EMFILE`, in words.
        case system(String)
    }

    /// What happened.
    public enum Input: Hashable, Sendable {
        /// Begin: the first endpoint as soon as it can be.
        case start
        /// ``RotationMachine/nextDeadline`` has come.
        case tick
        /// The answer to ``Action/open(_:turn:candidate:)``: it listens, as a decoy.
        case opened(ListenerToken, Endpoint, candidate: UInt32)
        /// The other answer: nothing listens.
        case openFailed(ListenerToken, OpenFailure)
        case handshakeSucceeded(ListenerToken)
        case handshakeFailed(ListenerToken, reason: String)
        /// A window key came.
        case keyAvailable
        /// A certificate for the listeners came.
        case credentialAvailable
        /// The generation of the plan, whether it is another one or not. Another one forces a rotation.
        case generation(UInt32)
        /// The timing of the plan, whether it is another one or not. Another interval means other epochs: rotate at
        /// once.
        case timing(RotationTiming)
        /// Range, skipped ports, address mode or keys were replaced: no endpoint of before belongs to the schedule.
        /// Rotate at once.
        case scheduleReplaced
        /// A listener ended by itself; it is closed already.
        case lost(ListenerToken, reason: String)
        /// The tunnel goes: close everything. The last input that does something.
        case stop
    }

    /// What to do now, in this order.
    public enum Action: Hashable, Sendable {
        /// Open a listener on that candidate, as a decoy, and answer with ``Input/opened(_:_:candidate:)`` or
        /// ``Input/openFailed(_:_:)``. The answer may come late, also after ``Input/stop``.
        case open(ListenerToken, turn: ScheduleTurn, candidate: UInt32)
        /// Shake hands through the listener from outside, as a client does, and answer.
        case handshake(ListenerToken)
        /// Change what the listener does with those who come.
        case setRole(ListenerToken, ListenerRole)
        /// Publish the new endpoint: it is live already.
        case flip(Flip)
        /// Drain the listener's queue and close it. The machine has forgotten it.
        case close(ListenerToken)
        /// The rotation did not happen (yet); the old endpoint stays live. Once for each turn and step.
        case reportFailure(turn: ScheduleTurn, step: RotationStep, reason: String)
    }

    /// A rotation that happened.
    public struct Flip: Hashable, Sendable {
        /// The listener that is live now.
        public let token: ListenerToken
        /// The turn of the schedule that it is for; an earlier one than that of the moment when it comes late.
        public let turn: ScheduleTurn
        /// What to publish.
        public let endpoint: Endpoint
        /// How many candidates were passed over.
        public let candidate: UInt32
        /// The listener that was live before; nil for the first.
        public let previous: Listener?
        /// When the rotation was due: the beginning of its epoch, or the input that forced it.
        public let decidedAt: Timestamp
        /// When the next one is due.
        public let nextAt: Timestamp
    }
}
