import Glibc

/// How much a series moves: more or less than it did, or not at all.
struct VolatilityDetector: EvidenceSource {
    private var last = 0.0
    private var short = 0.0
    private var long = 0.0
    /// The mean step of those that are one.
    private var typical = 0.0
    private var seen = 0
    private var still = 0
    private var repeats = 0.0
    private var changedAt = 0.0
    private var ratio = TwoSidedCalibrator()
    private var run = TailCalibrator()

    mutating func weigh(_ sample: SeriesSample, _ give: (Evidence) -> Void) {
        defer { last = sample.value }
        seen = min(seen + 1, 1 << 30)
        guard seen > 1 else { return }
        let floor = max(1e-9, 1e-6 * abs(sample.value))
        let step = abs(sample.value - last)
        follow(step, isStill: step <= 1e-9 * abs(sample.value), sample.time)
        guard seen >= 48 else { return }
        let least = floor + 0.1 * typical
        let moves = log2((short + least) / (long + least))
        // The ratio itself as statistic, so that what is usual lies near 1.
        let surprise = ratio.observe(moves >= 0 ? exp2(moves) - 1 : 1 - exp2(-moves))
        give(Evidence(feature: .volatility, surprise: surprise, observed: short, expected: long, since: sample.time))
        // What repeats itself most of the time may do so for long.
        let rarity = -log(min(max(repeats, 0.01), 0.9999))
        // Two or three equal values in a row are a coincidence.
        let quiet = run.observe(still < 4 ? 0 : 1 + Double(still) * rarity)
        give(
            Evidence(feature: .flatline, surprise: quiet, observed: Double(still), expected: 1, since: changedAt))
    }

    private mutating func follow(_ step: Double, isStill: Bool, _ time: Double) {
        let weight = 1 / Double(min(seen, 400))
        let usual = seen > 64 && typical > 0 ? min(step, 12 * typical) : step
        if !isStill { typical += (usual - typical) * weight }
        short += (step - short) * 0.1
        long += (usual - long) * weight
        repeats += ((isStill ? 1 : 0) - repeats) / Double(min(seen, 4_000))
        still = isStill ? min(still + 1, 1 << 30) : 0
        if !isStill { changedAt = time }
    }

    mutating func code(_ coder: inout StateCoder) throws {
        try coder.code(&last, in: Bounds.values)
        try coder.code(&short, in: Bounds.positives)
        try coder.code(&long, in: Bounds.positives)
        try coder.code(&typical, in: Bounds.positives)
        try coder.code(&seen, in: Bounds.counts)
        try coder.code(&still, in: Bounds.counts)
        try coder.code(&repeats, in: 0...1)
        try coder.code(&changedAt, in: Bounds.moments)
        try ratio.code(&coder)
        try run.code(&coder)
    }
}
