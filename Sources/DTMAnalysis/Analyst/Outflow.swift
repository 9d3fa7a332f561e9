import DTMCore

/// More goes out of a tunnel than its connections explain, however slowly: the sum of what exceeds the usual, minute by minute
/// (CUSUM, E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954).
///
/// Twice as many connections may carry twice as much: that more come is for the detectors of the load. What the same clients carry
/// off besides is what this is for.
///
/// A value. It learns from minutes in which the sum is at rest alone: who raises the flow slowly raises the sum, and teaches
/// nothing.
struct OutflowWatch: Sendable, Hashable {
    /// Minutes before anything is said.
    static let learningMinutes = 15
    /// The sum, in standard deviations, from which it alarms.
    static let alarm = 12.0
    /// What a minute may exceed the expected by without counting, in standard deviations.
    static let allowance = 1.0
    /// Bytes beyond the usual that are of interest.
    static let leastBytes = 1_048_576.0
    /// The weight of a new minute once enough were seen.
    private static let memory = 1.0 / 240

    /// What is usual.
    struct Learnt: Sendable, Hashable {
        var minutes = 0
        /// Bytes a minute, their variance, and the connections that carried them.
        var mean = 0.0
        var variance = 0.0
        var load = 0.0
    }

    /// Kept over a restart.
    var learnt = Learnt()
    var sum = 0.0
    var excess = 0.0
    var since: Timestamp?

    var minutes: Int { learnt.minutes }
    var mean: Double { learnt.mean }

    /// Takes the bytes of one minute; true when it alarms.
    ///
    /// - Parameters:
    ///   - load: The connections of that minute.
    ///   - isFresh: The application was started anew lately: what it does now is learnt, and nothing is said.
    mutating func take(_ bytes: Double, load: Double, isFresh: Bool, at now: Timestamp) -> Bool {
        guard bytes.isFinite, bytes >= 0, load.isFinite, load >= 0 else { return false }
        guard !isFresh, minutes >= Self.learningMinutes else {
            learn(bytes, load)
            return false
        }
        let deviation = max(learnt.variance.squareRoot(), mean / 10, 16_384)
        let expected = learnt.load > 0 ? mean * max(1, load / learnt.load) : mean
        sum = min(max(0, sum + (bytes - expected) / deviation - Self.allowance), 4 * Self.alarm)
        if sum > 0 {
            since = since ?? now
            excess += max(0, bytes - expected)
        } else {
            since = nil
            excess = 0
        }
        if sum < Self.alarm / 4 { learn(bytes, load) }
        return sum >= Self.alarm && excess >= Self.leastBytes
    }

    private mutating func learn(_ bytes: Double, _ load: Double) {
        learnt.minutes = min(learnt.minutes + 1, 1_000_000)
        let weight = max(1 / Double(learnt.minutes), Self.memory)
        let difference = bytes - mean
        learnt.mean += weight * difference
        learnt.variance = (1 - weight) * (learnt.variance + weight * difference * difference)
        learnt.load += weight * (load - learnt.load)
    }

    /// What has added up is nothing.
    mutating func forgive() {
        sum = 0
        excess = 0
        since = nil
    }

    /// The application was changed: what it does from now on counts for more than what it did.
    mutating func relearn() {
        forgive()
        learnt.minutes = min(learnt.minutes, Self.learningMinutes)
    }
}
