import Glibc

/// Puts a statistic on a scale that all have in common: how often one so large is to be expected in a history as long as the one it knows.
///
/// The distribution is kept as a histogram with geometric buckets. Beyond a high quantile a Pareto tail goes on, fitted by Hill's estimator
/// (Hill, "A Simple General Approach to Inference About the Tail of a Distribution", 1975) with a prior of a few observations. Peaks over the
/// quantile are told apart by runs below it, as is usual for extremes (Coles, "An Introduction to Statistical Modeling of Extreme Values",
/// 2001, chapter 5): an excursion is learnt once it is over. One that does not end teaches nothing, so a statistic that grows
/// slowly can't become usual by growing.
struct TailCalibrator {
    static let buckets = 72
    private static let perOctave = 4.0
    private static let lowest = 0.0
    /// Samples that have to lie below the quantile before an excursion is over.
    private static let run = 12
    private static let warmUp = 300.0
    /// What lies beyond the last bucket is not told apart.
    private static let largest = 131_072.0
    /// How much one earlier excursion counts that went about as far.
    private static let familiarity = 0.3
    /// The prior of the tail: as if so many observations had been seen, of a tail between a normal and a very heavy one.
    private static let priorCount = 4.0
    private static let priorIndex = 0.3
    private static let pendingBuckets = 20

    private var counts = [UInt16](repeating: 0, count: buckets)
    private var total = 0.0
    private var quantile = 1.0
    private var share = 1.0
    private var exponent = 3.0
    /// What the excursion that goes on has brought, by buckets from the quantile's.
    private var pending = [UInt16](repeating: 0, count: pendingBuckets)
    private var start = 0
    private var peak = 0.0
    /// How often an excursion's peak lay in each pair of buckets.
    private var peaks = [UInt16](repeating: 0, count: buckets / 2)
    private var below = 0
    private var learnt = 0
    /// What is kept before older observations count half.
    private let capacity: Double

    init(capacity: Double = 40_000) { self.capacity = capacity }

    /// Whether the last statistic was beyond the quantile.
    var isInExcursion: Bool { peak > 0 }

    /// Powers of ten by which `statistic` is rarer than once in the known history; below 0 for what is usual.
    ///
    /// The tail alone would call the tenth of ten equal events rare when they lie far beyond all others, so those that were as large
    /// count as well, each for a part.
    func surprise(_ statistic: Double) -> Double {
        guard total >= 24 else { return -3 }
        let expected = log10((total + 1) * share)
        guard statistic > quantile else { return min(-expected, 0) }
        let tail = exponent * log10(min(statistic, Self.largest) / quantile) - expected
        guard tail > 0 else { return tail }
        let alike = peaks[(Self.bucket(statistic) / 2)...].reduce(0.0) { $0 + Double($1) }
        return alike > 0 ? min(tail, -log10(Self.familiarity * alike)) : tail
    }

    /// The surprise of `statistic`, which is then learnt.
    mutating func observe(_ statistic: Double, isLearning: Bool = true) -> Double {
        let result = surprise(statistic)
        if isLearning { learn(statistic) }
        return result
    }

    private mutating func learn(_ statistic: Double) {
        guard total >= 24, statistic > quantile else {
            if peak > 0 {
                below += 1
                if below >= Self.run { endExcursion() }
            }
            return add(statistic)
        }
        if peak == 0 { start = Self.bucket(quantile * 1.001) }
        peak = max(peak, statistic)
        below = 0
        if total < Self.warmUp { return add(statistic) }
        let place = min(max(Self.bucket(statistic) - start, 0), Self.pendingBuckets - 1)
        if pending[place] < .max { pending[place] += 1 }
    }

    private mutating func endExcursion() {
        for index in pending.indices where pending[index] > 0 {
            count(min(start + index, Self.buckets - 1), pending[index])
        }
        let place = Self.bucket(peak) / 2
        if peaks[place] < .max { peaks[place] += 1 }
        dropExcursion()
        fit()
    }

    /// Forgets an excursion without learning from it.
    mutating func dropExcursion() {
        for index in pending.indices { pending[index] = 0 }
        peak = 0
        below = 0
    }

    private mutating func add(_ statistic: Double) {
        count(Self.bucket(statistic), 1)
        learnt += 1
        if learnt >= 16 {
            learnt = 0
            fit()
        }
    }

    private mutating func count(_ bucket: Int, _ times: UInt16) {
        if total + Double(times) > capacity || counts[bucket] > .max - times { age() }
        counts[bucket] = counts[bucket].addingReportingOverflow(times).overflow ? .max : counts[bucket] + times
        total += Double(times)
    }

    private mutating func age() {
        total = 0
        for index in counts.indices {
            counts[index] /= 2
            total += Double(counts[index])
        }
        for index in peaks.indices { peaks[index] /= 2 }
    }

    static func bucket(_ statistic: Double) -> Int {
        guard statistic > 1 else { return 0 }
        return min(buckets - 1, Int((log2(statistic) - lowest) * perOctave))
    }

    /// Finds the quantile that a fiftieth, or forty, lie beyond, and how fast the tail falls from there.
    private mutating func fit() {
        let wanted = min(max(0.02 * total, 8), 40)
        var beyond = 0.0
        var logarithms = 0.0
        var index = Self.buckets
        // Never below 1: a statistic is in units of what is usual, and less than one unit is no extreme.
        let least = Self.bucket(1)
        while index > least, beyond < wanted {
            index -= 1
            let count = Double(counts[index])
            beyond += count
            logarithms += count * (Double(index) + 0.5)
        }
        let step = log(2.0) / Self.perOctave
        let excess = (logarithms - beyond * Double(index)) * step
        quantile = exp2(Double(index) / Self.perOctave + Self.lowest)
        share = (beyond + 0.5) / (total + 1)
        exponent = (beyond + Self.priorCount) / (excess + Self.priorCount * Self.priorIndex)
    }

    mutating func code(_ coder: inout StateCoder) throws {
        try coder.code(&counts)
        try coder.code(&total, in: 0...1e8)
        try coder.code(&quantile, in: 0.1...1e9)
        try coder.code(&share, in: 0...2)
        try coder.code(&exponent, in: 0...1e6)
        try coder.code(&pending)
        try coder.code(&start, in: 0...(Self.buckets - 1))
        try coder.code(&peak, in: Bounds.positives)
        try coder.code(&peaks)
        try coder.code(&below, in: 0...Self.run)
        try coder.code(&learnt, in: 0...16)
    }
}

/// A calibrator for each side: what is above and what is below are different matters.
struct TwoSidedCalibrator {
    private var above: TailCalibrator
    private var under: TailCalibrator

    init(capacity: Double = 40_000) {
        above = TailCalibrator(capacity: capacity)
        under = TailCalibrator(capacity: capacity)
    }

    var isInExcursion: Bool { above.isInExcursion || under.isInExcursion }

    mutating func observe(_ statistic: Double, isLearning: Bool = true) -> Double {
        let high = above.observe(max(statistic, 0), isLearning: isLearning)
        let low = under.observe(max(-statistic, 0), isLearning: isLearning)
        return statistic >= 0 ? high : low
    }

    mutating func dropExcursion() {
        above.dropExcursion()
        under.dropExcursion()
    }

    mutating func code(_ coder: inout StateCoder) throws {
        try above.code(&coder)
        try under.code(&coder)
    }
}
