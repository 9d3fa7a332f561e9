import DTMCore

/// Bounds of a ``RotationMachine``.
public struct RotationLimits: Hashable, Sendable {
    /// The most listeners of one tunnel, at least 4. At the bound the oldest decoy makes room, then the oldest overlap.
    public var maximumListeners = 64
    /// How many candidates of a turn are tried before it fails for the time being.
    public var maximumCandidates = UInt32(EndpointSchedule.maximumCandidates)
    /// How long an open or a handshake may stay unanswered before it counts as failed.
    public var answerTimeout: Duration = .seconds(5)

    /// The defaults.
    public init() {}
}

/// The random times of a rotation and the waits after a failure.
///
/// Leads and lingering are random so that the order in which sockets come and go says nothing about which one is live.
enum RotationTimes {
    /// How long before its epoch a listener is opened, as parts of the interval (or of what is left until then).
    static let lead = 0.2...0.8
    /// How long a listener stays as a decoy after it served, as parts of the interval.
    static let linger = 0.5...1.5
    /// Jitter of the wait after a failure, so that a hundred tunnels that failed together do not return together.
    static let jitter = 0.75...1.0
    /// The wait after the first failure; it doubles with each further one.
    static let firstBackoff: Duration = .milliseconds(50)
    /// The longest wait after a failure, if the interval is not shorter.
    static let longestBackoff: Duration = .seconds(5)

    /// The wait after `failures` failures in a row, before jitter.
    static func backoff(failures: Int, interval: Duration) -> Duration {
        // 7 doublings pass the longest wait.
        let doubled = firstBackoff * (1 << min(max(failures - 1, 0), 7))
        return min(doubled, longestBackoff, interval)
    }
}

extension Duration {
    /// A part of the duration, drawn uniformly.
    func part(
        of range: ClosedRange<Double>, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        .nanoseconds(Int64(Double(wholeNanoseconds) * Double.random(in: range, using: &generator)))
    }
}
