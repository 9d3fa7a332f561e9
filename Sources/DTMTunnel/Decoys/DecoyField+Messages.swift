public import DTMCore

/// One attempt to open a decoy, and the decoy that came of it. Unique within one ``DecoyField``.
public struct DecoyToken: Hashable, Sendable, CustomStringConvertible {
    /// Counts up from 1.
    public let number: UInt64

    init(number: UInt64) { self.number = number }

    /// As `decoy 7`.
    public var description: String { "decoy \(number)" }
}

extension DecoyField {
    /// How many are wanted.
    public struct Wanted: Hashable, Sendable {
        /// Decoys that are drawn as live endpoints are.
        public var decoys: Int
        /// Decoys at 127.0.0.1, when live endpoints hop: where whoever knows no better looks first.
        public var sentinels: Int

        /// Numbers below 0 stand for 0.
        public init(decoys: Int, sentinels: Int = 0) {
            self.decoys = max(0, decoys)
            self.sentinels = max(0, sentinels)
        }
    }

    /// What happened.
    public enum Input: Sendable {
        /// Begin. Nothing opens before that.
        case start
        /// ``DecoyField/nextDeadline`` has come.
        case tick
        /// How many are wanted, whether it is news or not.
        case wanted(Wanted)
        /// The times of the plan, whether they are news or not.
        case timing(RotationTiming)
        /// The schedule was replaced. Decoys at endpoints that it does not hold are given back at once.
        case schedule(EndpointSchedule)
        /// A rotation was forced: the live endpoint moves out of turn, and a like part of the decoys with it.
        case forced
        /// The answer to ``Action/open(_:_:)``: it listens.
        case opened(DecoyToken)
        /// The other answer: nothing listens.
        case openFailed(DecoyToken, OpenFailure)
        /// It listens no more, or no more as a decoy of this field: the system closed it, it was given back, or the
        /// rotation took it over. Nobody needs to close it.
        case gone(DecoyToken)
        /// The tunnel goes.
        case stop
    }

    /// Why an ``Action/open(_:_:)`` came to nothing.
    public enum OpenFailure: Hashable, Sendable {
        /// Somebody holds the endpoint: another one is drawn at once.
        case taken
        /// Anything else, as `EMFILE`: another one is tried after a while.
        case system
    }

    /// What to do.
    public enum Action: Hashable, Sendable {
        /// Listen there as a decoy; the answer is ``Input/opened(_:)`` or ``Input/openFailed(_:_:)``.
        case open(DecoyToken, Endpoint)
        /// Close it. The field has forgotten it.
        case close(DecoyToken)
    }
}
