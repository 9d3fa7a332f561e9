/// How steady time is cut into epochs. Exact integer arithmetic: two sides never disagree by a rounding.
public enum ScheduleTime {
    private static let nanosecondsPerMillisecond: UInt64 = 1_000_000

    /// The epoch that holds `moment`: time since 1970 divided by the interval, rounded down. 0 before 1970.
    public static func epoch(at moment: Timestamp, intervalMilliseconds: UInt32) -> UInt64 {
        guard moment.nanoseconds > 0 else { return 0 }
        return UInt64(moment.nanoseconds) / length(intervalMilliseconds)
    }

    /// When `epoch` begins; the last moment that a ``Timestamp`` can hold if it begins later than that.
    public static func start(ofEpoch epoch: UInt64, intervalMilliseconds: UInt32) -> Timestamp {
        let (nanoseconds, overflow) = epoch.multipliedReportingOverflow(by: length(intervalMilliseconds))
        return Timestamp(nanoseconds: overflow ? .max : Int64(clamping: nanoseconds))
    }

    private static func length(_ intervalMilliseconds: UInt32) -> UInt64 {
        UInt64(max(1, intervalMilliseconds)) * nanosecondsPerMillisecond
    }
}

/// The hours for which one window key serves. An epoch belongs to the window in which it begins.
public enum ScheduleWindow {
    /// The length of a window in seconds.
    public static let seconds = 3_600

    /// The window of an epoch: `epoch × interval / 3600 s`, rounded down; `UInt64.max` where that does not fit.
    public static func index(of epoch: UInt64, intervalMilliseconds: UInt32) -> UInt64 {
        let divisor = UInt64(seconds) * 1_000
        let product = epoch.multipliedFullWidth(by: UInt64(intervalMilliseconds))
        // A quotient that does not fit would trap.
        guard product.high < divisor else { return .max }
        return divisor.dividingFullWidth(product).quotient
    }

    /// The windows whose keys a holder needs at `moment`: that of the current epoch, and that of the next epoch or,
    /// when it is the same, the one after.
    public static func needed(at moment: Timestamp, intervalMilliseconds: UInt32) -> (current: UInt64, next: UInt64) {
        let epoch = ScheduleTime.epoch(at: moment, intervalMilliseconds: intervalMilliseconds)
        let current = index(of: epoch, intervalMilliseconds: intervalMilliseconds)
        let following = index(of: epoch &+ 1, intervalMilliseconds: intervalMilliseconds)
        return (current, following > current ? following : current &+ 1)
    }
}
