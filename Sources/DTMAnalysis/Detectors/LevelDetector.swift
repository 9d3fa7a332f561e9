import Glibc

/// Robust z-scores of a value: against the median and MAD of a long history (Iglewicz and Hoaglin, "How to Detect and Handle Outliers",
/// 1993), against the mean of the last few, and of short means against long ones (EWMA: Roberts, "Control Chart Tests Based on Geometric
/// Moving Averages", 1959). Each is calibrated by its own history, each side by itself.
struct LevelDetector: EvidenceSource {
    private var last = 0.0
    private var recent = 0.0
    private var broad = 0.0
    private var short = 0.0
    private var long = 0.0
    private var deviation = 0.0
    private var step = 0.0
    private var seen = 0

    private var level = TwoSidedCalibrator()
    private var first = TwoSidedCalibrator()
    private var departure = TwoSidedCalibrator()
    private var jump = TwoSidedCalibrator()
    private var shift = TwoSidedCalibrator()
    private(set) var history: RobustWindow

    init(seed: UInt64 = 1) { history = RobustWindow(capacity: 256, longestStride: 16, seed: mixed(seed)) }

    /// The unit in which deviations from the long median are measured: never 0.
    var scale: Double { max(history.spread, 0.2 * deviation, floor) }

    private var floor: Double { max(1e-9, 1e-5 * abs(history.median)) }

    mutating func weigh(_ sample: SeriesSample, _ give: (Evidence) -> Void) {
        let value = sample.value
        if seen == 0 {
            (last, recent, broad, short, long) = (value, value, value, value, value)
        }
        let scale = scale
        let steps = max(step, 0.1 * scale, floor)
        if seen >= 16 {
            let high = (value - history.median) / scale
            give(evidence(.level, level.observe(high), value, history.median, sample))
            give(evidence(.step, first.observe((value - last) / steps), value, last, sample))
            give(evidence(.departure, departure.observe((value - broad) / steps), value, broad, sample))
            give(evidence(.jump, jump.observe((value - recent) / steps), value, recent, sample))
        }
        learn(value, scale, steps)
        if seen >= 48 {
            let moved = (short - long) / max(0.5 * scale, steps)
            give(evidence(.shift, shift.observe(moved), short, long, sample))
        }
    }

    private func evidence(
        _ feature: SeriesFeature, _ surprise: Double, _ observed: Double, _ expected: Double, _ sample: SeriesSample
    ) -> Evidence {
        Evidence(feature: feature, surprise: surprise, observed: observed, expected: expected, since: sample.time)
    }

    /// What is far off moves the baselines only as far as what is just unusual.
    private mutating func learn(_ value: Double, _ scale: Double, _ steps: Double) {
        seen = min(seen + 1, 1 << 30)
        let weight = 1 / Double(min(seen, 288))
        deviation = Self.typical(deviation, abs(value - history.median), least: floor, seen)
        step = Self.typical(step, abs(value - recent), least: floor, seen)
        recent += (value - recent) * max(0.35, weight)
        broad += (value - broad) * max(0.06, weight)
        last = value
        short += (value - short) * max(0.12, weight)
        long += (value - long) * max(1.0 / 144, weight)
        history.add(value)
    }

    /// The mean of what is not nothing, so that a series that mostly rests is measured by how it moves when it does.
    private static func typical(_ mean: Double, _ value: Double, least: Double, _ seen: Int) -> Double {
        guard value > least else { return mean }
        let bounded = seen > 64 && mean > 0 ? min(value, 8 * mean) : value
        return mean + (bounded - mean) / Double(min(seen, 288))
    }

    /// After a change that stays: what came before says nothing about what comes.
    mutating func relearn(from window: RobustWindow) {
        history.restart(from: window)
        deviation = min(deviation, 3 * max(window.spread, floor))
        long = window.median
        level.dropExcursion()
        shift.dropExcursion()
    }

    mutating func code(_ coder: inout StateCoder) throws {
        for path in [\Self.last, \Self.recent, \Self.broad, \Self.short, \Self.long] {
            try coder.code(&self[keyPath: path], in: Bounds.values)
        }
        try coder.code(&deviation, in: Bounds.positives)
        try coder.code(&step, in: Bounds.positives)
        try coder.code(&seen, in: Bounds.counts)
        try level.code(&coder)
        try first.code(&coder)
        try departure.code(&coder)
        try jump.code(&coder)
        try shift.code(&coder)
        try history.code(&coder)
    }
}
