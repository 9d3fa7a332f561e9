import DTMCore

/// More goes out of a tunnel than ever, however slowly: the sum of what exceeds the usual, minute by minute (CUSUM, E. S. Page,
/// "Continuous inspection schemes", Biometrika 41, 1954).
///
/// A value. It learns from minutes in which the sum is at rest alone: who raises the flow slowly raises the sum, and teaches
/// nothing.
struct OutflowWatch: Sendable, Hashable {
    /// Minutes before anything is said.
    static let learningMinutes = 15
    /// The sum, in standard deviations, from which it alarms.
    static let alarm = 12.0
    /// What a minute may exceed the mean by without counting, in standard deviations.
    static let allowance = 1.0
    /// Bytes beyond the usual that are of interest.
    static let leastBytes = 1_048_576.0
    /// The weight of a new minute once enough were seen.
    private static let memory = 1.0 / 240

    private(set) var minutes = 0
    private(set) var mean = 0.0
    private var variance = 0.0
    private(set) var sum = 0.0
    private(set) var excess = 0.0
    private(set) var since: Timestamp?

    init() {}

    init(minutes: Int, mean: Double, variance: Double) {
        self.minutes = max(0, minutes)
        self.mean = max(0, mean)
        self.variance = max(0, variance)
    }

    /// What was learnt, to be kept.
    var learnt: (minutes: Int, mean: Double, variance: Double) { (minutes, mean, variance) }

    /// Takes the bytes of one minute; true when it alarms.
    mutating func take(_ bytes: Double, at now: Timestamp) -> Bool {
        guard bytes.isFinite, bytes >= 0 else { return false }
        let deviation = max(variance.squareRoot(), mean / 10, 16_384)
        let isLearning = minutes < Self.learningMinutes
        if !isLearning {
            sum = min(max(0, sum + (bytes - mean) / deviation - Self.allowance), 4 * Self.alarm)
            if sum > 0 {
                since = since ?? now
                excess += max(0, bytes - mean)
            } else {
                since = nil
                excess = 0
            }
        }
        if isLearning || sum < Self.alarm / 4 { learn(bytes) }
        return sum >= Self.alarm && excess >= Self.leastBytes
    }

    private mutating func learn(_ bytes: Double) {
        minutes = min(minutes + 1, 1_000_000)
        let weight = max(1 / Double(minutes), Self.memory)
        let difference = bytes - mean
        mean += weight * difference
        variance = (1 - weight) * (variance + weight * difference * difference)
    }

    /// What is unlike before is usual from now on: after an application was changed.
    mutating func forgive() {
        sum = 0
        excess = 0
        since = nil
    }
}
