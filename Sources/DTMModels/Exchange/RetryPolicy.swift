import DTMCore

/// How often and after what time a request is made again: as the providers' own libraries do.
enum RetryPolicy {
    /// Beyond the first attempt.
    static let maximumRetries = 2
    /// All requests of one consultation of one model, those that ask in another way included.
    static let maximumRequests = 8
    /// Longer waits are not waited for here: the model is left alone for that time, and the next one is asked.
    static let longestWait = Duration.seconds(20)

    /// min(0.5 s · 2ⁿ, 8 s), less up to a quarter.
    ///
    /// - Parameters:
    ///   - retry: 0 before the first retry.
    ///   - random: 0 to 1.
    static func delay(before retry: Int, random: Double) -> Duration {
        let seconds = min(0.5 * Double(1 << min(max(retry, 0), 10)), 8)
        return .milliseconds(Int64(seconds * 1_000 * (1 - 0.25 * min(max(random, 0), 1))))
    }
}
