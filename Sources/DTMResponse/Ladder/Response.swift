public import DTMCore

/// One response to one subject, from its proposal or its beginning to its end.
public struct Response: Hashable, Sendable {
    /// Unique as long as the journal lives. In text `r17`.
    public struct ID: Hashable, Sendable, Comparable, CustomStringConvertible {
        public let number: UInt64

        public init(number: UInt64) { self.number = number }

        /// - Parameter text: As `r17`; nil for anything else.
        public init?(_ text: String) {
            guard text.hasPrefix("r"), (2...21).contains(text.utf8.count),
                text.utf8.dropFirst().allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt64(text.dropFirst()), "r\(number)" == text
            else { return nil }
            self.number = number
        }

        public var description: String { "r\(number)" }

        public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
    }

    /// Where it is in its life.
    public enum Phase: UInt8, Hashable, Sendable, CaseIterable {
        /// It waits for a person.
        case proposed = 0
        /// It was ordered; whether it worked is not known yet.
        case applying = 1
        /// It is in force.
        case active = 2
        /// That it be taken back was ordered; whether that worked is not known yet.
        case undoing = 3
    }

    public let id: ID
    public let rung: ResponseRung
    public let subject: ResponseSubject
    /// The tunnel's name, when the finding was about one.
    public let tunnel: String?
    /// The finding that led to it, and what was against acting at once, as a sentence.
    public internal(set) var reason: String
    /// When it was proposed, or ordered.
    public internal(set) var since: Timestamp
    /// When it ends by itself; nil for what is done once.
    public internal(set) var expiry: Timestamp?
    public internal(set) var phase: Phase
}

/// Why a response is over.
public enum ResponseEnd: String, Hashable, Sendable, Codable, CaseIterable {
    /// It was done, and is nothing that lasts.
    case done
    /// Its time was over.
    case expired
    /// A person took it back.
    case undone
    /// Responses were stopped.
    case stopped
    /// A stronger one needed its place.
    case madeRoom = "made-room"
    /// It did not work.
    case failed
    /// A person did not want it.
    case dismissed
    /// Nobody decided in time, or what it was about is done.
    case lapsed
    /// The manager was ended in the middle of it.
    case interrupted
}

/// A response that is over.
public struct PastResponse: Hashable, Sendable {
    public let response: Response
    public let end: ResponseEnd
    public let time: Timestamp
}

/// What somebody should hear of.
public struct ResponseNotice: Hashable, Sendable {
    public let subject: ResponseSubject
    public let tunnel: String?
    public let risk: Int
    public let reason: String
}

/// What the ladder wants done, in order.
public enum ResponseOutput: Hashable, Sendable {
    /// Do it, and tell with ``ResponseLadder/outcome(of:_:at:)``. Doing it again does no harm.
    case perform(Response)
    /// Take it back, and tell.
    case undo(Response, ResponseEnd)
    /// Tell somebody.
    case notify(ResponseNotice)
    /// It waits for a person.
    case propose(Response)
    /// It waits for nobody any more.
    case withdraw(Response, ResponseEnd)
    /// It would be time for it, and it is not done: why.
    case withhold(ResponseRung, ResponseSubject, tunnel: String?, reason: String)
}

/// How an order went.
public enum ResponseOutcome: Hashable, Sendable {
    case done
    case failed(String)
}
