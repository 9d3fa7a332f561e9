public import DTMCore

/// A time in which a series is unlike what was learnt of it: from the step at which a detector said so until it is nearer to
/// what was expected again.
public struct Episode: Hashable, Sendable {
    public var since: Timestamp
    public var expected: Double
    /// The value that is farthest from ``expected``.
    public var extreme: Double
    /// What the detector said, 0–1.
    public var score: Double
    public var reasons: [Reason]
    /// Steps since then in which it was unlike before, the first included.
    public internal(set) var steps = 1
    /// Steps in a row in which it was not.
    var calmSteps = 0
    /// Whether the application was started anew shortly before.
    public internal(set) var followsDeployment = false

    /// Whether a value is still nearer to what began it than to what was expected.
    func holds(_ value: Double) -> Bool {
        let half = (extreme - expected) / 2
        return extreme > expected ? value > expected + half : value < expected + half
    }
}

/// One metric of one subject: its past, what was learnt of it, and whether it is unlike that now.
struct SeriesProfile: Sendable {
    /// Seconds that one value of the detector stands for: a single second of a server says little.
    static let stepSeconds = 10
    /// Steps before anything is said: ten minutes.
    static let learningSteps = 60
    /// An episode ends after so many steps that are like before.
    static let calmSteps = 3
    /// After an hour what is unlike before is what is usual.
    static let longestEpisode = 360

    let metric: Metric
    var history = MetricHistory()
    var detector: SeriesDetector?
    var steps = 0
    var score = 0.0
    var episode: Episode?
    var sum = 0.0
    var count = 0

    init(_ metric: Metric, detector: SeriesDetector? = nil, steps: Int = 0) {
        self.metric = metric
        self.detector = metric.isJudged ? detector ?? SeriesDetector() : nil
        self.steps = steps
    }

    mutating func append(_ value: Double) {
        guard value.isFinite else { return }
        history.append(value)
        sum += min(max(value, -Bounds.value), Bounds.value)
        count += 1
    }

    var isLearning: Bool { detector != nil && steps < Self.learningSteps }

    /// Judges what came since the last step.
    mutating func judge(at now: Timestamp) {
        guard count > 0, detector != nil else { return }
        let value = sum / Double(count)
        sum = 0
        count = 0
        guard let assessment = detector?.observe(SeriesSample(time: now.wholeSeconds, value: value)) else { return }
        score = assessment.score
        if steps < Self.learningSteps { steps += 1 }
        follow(value, assessment, at: now)
    }

    private mutating func follow(_ value: Double, _ assessment: Assessment, at now: Timestamp) {
        if var running = episode {
            if running.holds(value) {
                running.steps += 1
                running.calmSteps = 0
                let isFarther = abs(value - running.expected) > abs(running.extreme - running.expected)
                if isFarther { running.extreme = value }
            } else {
                running.calmSteps += 1
            }
            let isOver = running.calmSteps >= Self.calmSteps || running.steps >= Self.longestEpisode
            episode = isOver ? nil : running
            return
        }
        guard assessment.score >= SeriesDetector.threshold, !isLearning else { return }
        let expected = usual(beside: value)
        guard abs(value - expected) >= metric.leastDifference, abs(value - expected) >= abs(expected) / 2 else {
            return
        }
        episode = Episode(
            since: now, expected: expected, extreme: value, score: assessment.score, reasons: assessment.reasons)
    }

    /// The median of the latest minutes: what detectors expect may be a difference or a pattern, which says little to people.
    private func usual(beside value: Double) -> Double {
        var past = history.recentMinutes
        if past.count < 3 { past = Array(history.recentSeconds.dropLast(Self.stepSeconds)) }
        guard !past.isEmpty else { return value }
        past.sort()
        return Double(past[past.count / 2])
    }

    /// What is unlike before is put down to a start of the application. More that is turned away is not: that comes from outside.
    mutating func excuse() { if metric.family != .failures { episode?.followsDeployment = true } }
}

extension Timestamp {
    /// Seconds on the steady clock.
    var wholeSeconds: Double { Double(nanoseconds) / 1e9 }
}
