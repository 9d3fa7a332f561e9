/// How much of the host one stream of `GET /v1/live` shows, and how often.
enum LiveBounds {
    /// The most streams at a time.
    static let streams = 32
    /// The most connections of one process that are shown, and of all of them.
    static let connectionsPerApp = 200
    static let connections = 8_192
    /// The most listeners of one process that are shown, and those that nobody who can be read holds.
    static let listenersPerApp = 1_024
    static let unattributed = 1_024
    /// Of one update. What is more comes in several.
    static let apps = 200
    static let tunnels = 64
    static let events = 256
    static let findings = 40
    /// Of those that wait, and of those in force.
    static let responses = 64
    static let gone = 8_192
    static let bytes = 256 << 10
    /// The most events of the past in a snapshot, and of a time in which nobody took them.
    static let pastEvents = 512

    /// Between two updates.
    static let beat = Duration.milliseconds(500)
    /// Between two looks at the manager itself.
    static let statusSpan = Duration.seconds(1)
    /// After which time the status is told although nothing but the time has changed.
    static let statusAge = Duration.seconds(5)
    /// After which time findings are told again although nothing but their age has changed.
    static let findingsAge = Duration.seconds(60)
    /// Between two looks at the host, at the least and at the most.
    static let shortestLookSpan = Duration.seconds(1)
    static let longestLookSpan = Duration.seconds(30)
    /// Looks take one part in so many of a core.
    static let lookShare = 100

    /// The time from the beginning of one look to that of the next.
    ///
    /// - Parameters:
    ///   - interval: Of discovery.
    ///   - cost: Of the last look.
    static func lookSpan(interval: Duration, cost: Duration) -> Duration {
        max(shortestLookSpan, interval, min(longestLookSpan, cost * lookShare))
    }
}
