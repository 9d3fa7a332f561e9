/// Whether a tunnel's loopback address hops with its port.
public enum AddressMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// Any address of 127.0.1.0–127.255.255.254, another one each epoch.
    case hop
    /// 127.0.0.1 always.
    case fixed
}

/// What a listener is for at the moment. A rotation changes roles; it opens and closes nothing.
public enum ListenerRole: UInt8, Hashable, Sendable, CaseIterable {
    /// Shakes hands like the live one and then serves nobody.
    case decoy = 0
    /// The endpoint that is published.
    case live = 1
    /// The endpoint before the live one: still serves, for the overlap.
    case overlap = 2

    /// The name in the API and in events.
    public var name: String {
        switch self {
        case .decoy: "decoy"
        case .live: "live"
        case .overlap: "overlap"
        }
    }
}

/// What both sides must agree on to compute the same endpoints, all of it public.
public struct ScheduleParameters: Hashable, Sendable {
    /// The length of an epoch in milliseconds, at least 200.
    public var intervalMilliseconds: UInt32
    /// The lowest port, inclusive.
    public var lowestPort: UInt16
    /// The highest port, inclusive.
    public var highestPort: UInt16
    /// Ports of the range that are never used: well-known services. Ascending, without repeats.
    public var skippedPorts: [UInt16]
    public var addressMode: AddressMode

    public init(
        intervalMilliseconds: UInt32, lowestPort: UInt16, highestPort: UInt16, skippedPorts: [UInt16],
        addressMode: AddressMode
    ) {
        self.intervalMilliseconds = intervalMilliseconds
        self.lowestPort = lowestPort
        self.highestPort = highestPort
        self.skippedPorts = skippedPorts
        self.addressMode = addressMode
    }
}

/// Which turn of the schedule an endpoint belongs to.
public struct ScheduleTurn: Hashable, Sendable, Comparable {
    /// Steady time divided by the interval, rounded down.
    public var epoch: UInt64
    /// Counts forced rotations.
    public var generation: UInt32

    public init(epoch: UInt64, generation: UInt32) {
        self.epoch = epoch
        self.generation = generation
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.epoch, left.generation) < (right.epoch, right.generation)
    }
}
