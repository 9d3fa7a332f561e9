/// When a process that died is started again: at once the first time, then after waits that double up to five seconds.
/// A process that lived for ten seconds has proved itself, and the count begins anew.
struct RestartPolicy {
    static let firstDelay = Duration.milliseconds(100)
    static let longestDelay = Duration.seconds(5)
    static let provenAfter = Duration.seconds(10)

    private(set) var failures = 0

    /// The wait before the next start, for a process that lived as long as `lifetime`.
    mutating func delay(afterLiving lifetime: Duration) -> Duration {
        if lifetime >= Self.provenAfter { failures = 0 }
        defer { failures += 1 }
        guard failures > 0 else { return .zero }
        return min(Self.firstDelay * (1 << min(failures - 1, 8)), Self.longestDelay)
    }
}
