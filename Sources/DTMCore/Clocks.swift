import Glibc

/// Where the time comes from. Everything that decides on time takes one of these, so that a test can hold time still.
public protocol TimeSource: Sendable {
    /// The steady time: wall time as it was when the manager started, advanced by a clock that no one can set.
    func now() -> Timestamp
}

/// What ties `CLOCK_BOOTTIME` to wall time.
///
/// Control takes the anchor once, at its start, and hands it to the data plane and to connectors: `CLOCK_BOOTTIME`
/// is one clock for the whole host, so that all of them agree on epochs and on certificate validity even when
/// somebody sets the wall clock in between (`clock_gettime(2)`).
public struct ClockAnchor: Hashable, Sendable {
    /// Wall time minus boot time, in nanoseconds, at the moment of anchoring.
    public var offsetNanoseconds: Int64

    public init(offsetNanoseconds: Int64) { self.offsetNanoseconds = offsetNanoseconds }

    /// Anchors at this moment.
    public static func current() -> Self {
        Self(offsetNanoseconds: read(CLOCK_REALTIME) &- read(CLOCK_BOOTTIME))
    }
}

/// Wall time at the anchor, advanced by `CLOCK_BOOTTIME`.
public struct AnchoredClock: TimeSource {
    public let anchor: ClockAnchor

    public init(anchor: ClockAnchor = .current()) { self.anchor = anchor }

    public func now() -> Timestamp {
        Timestamp(nanoseconds: read(CLOCK_BOOTTIME) &+ anchor.offsetNanoseconds)
    }
}

/// The wall clock, which an administrator or NTP may set. Only for noticing that it was set.
public struct WallClock: TimeSource {
    public init() {}
    public func now() -> Timestamp { Timestamp(nanoseconds: read(CLOCK_REALTIME)) }
}

private func read(_ clock: clockid_t) -> Int64 {
    var value = timespec()
    // clock_gettime(2) fails only for a clock that does not exist, and these two always do.
    clock_gettime(clock, &value)
    return Int64(value.tv_sec) &* 1_000_000_000 &+ Int64(value.tv_nsec)
}
