import Glibc

/// How unlikely a value is after the ones before it: a contextual detector after the idea of CAD-OSE (M. Smirnov, "Contextual Anomaly
/// Detector", in the Numenta Anomaly Benchmark), with the probabilities blended as in prediction by partial matching (Cleary and Witten,
/// "Data Compression Using Adaptive Coding and Partial String Matching", 1984).
///
/// A value becomes one of 17 symbols, by a range that follows the history's quantiles: no minimum or maximum is given in advance. Contexts are
/// nothing, the last one to four symbols, and the hour of the day. How often each was seen, and what came after, is counted in hashed tables
/// of fixed size; when they fill, all counts are halved.
struct ContextDetector: EvidenceSource {
    private static let symbols = 17
    private static let depth = 4

    private var contexts = [UInt16](repeating: 0, count: 512)
    private var successors = [UInt16](repeating: 0, count: 1_536)
    private var past: UInt64 = 0
    private var low = 0.0
    private var high = 0.0
    private var seen = 0
    private var load = 0
    private var bits = 0.0
    private var instant = TailCalibrator()
    private var pattern = TailCalibrator()

    mutating func weigh(_ sample: SeriesSample, _ give: (Evidence) -> Void) {
        seen = min(seen + 1, 1 << 30)
        let symbol = symbol(sample.value)
        let hour = Int((sample.time / 3_600).rounded(.down).truncatingRemainder(dividingBy: 24)) & 31
        let information = learn(symbol, hour: UInt64(hour))
        past = past << 5 | UInt64(symbol)
        guard seen > 32 else { return }
        bits += (information - bits) * 0.12
        let now = instant.observe(exp2(0.5 * information))
        let usual = log2(Double(Self.symbols)) / 2
        give(
            Evidence(feature: .sequence, surprise: now, observed: information, expected: usual, since: sample.time))
        let lasting = pattern.observe(exp2(bits))
        give(Evidence(feature: .pattern, surprise: lasting, observed: bits, expected: usual, since: sample.time))
    }

    /// Follows the history's range when it has moved by a quarter of itself.
    mutating func follow(_ history: RobustWindow) {
        let (bottom, top) = (history.quantile(0.02), history.quantile(0.98))
        let width = max(high - low, 1e-9)
        if abs(bottom - low) > 0.25 * width || abs(top - high) > 0.25 * width {
            low = bottom
            high = top
        }
    }

    /// 0…8 within the range, then one for each doubling of the distance from it: 9…12 above, 13…16 below.
    private func symbol(_ value: Double) -> Int {
        let width = max(high - low, 1e-6 * max(abs(low), abs(high)), 1e-9)
        let position = (value - low) / width
        if position >= 0, position <= 1 { return Int(position * 8.999) }
        let distance = position > 1 ? position - 1 : -position
        let octave = min(3, max(0, Int(log2(distance * 8) / 2 + 1)))
        return (position > 1 ? 9 : 13) + octave
    }

    /// Bits of information in the symbol, blended from the shallow contexts to the deep ones, and counts it.
    private mutating func learn(_ symbol: Int, hour: UInt64) -> Double {
        var probability = 1 / Double(Self.symbols)
        for order in 0...(Self.depth + 1) {
            let context =
                order <= Self.depth
                ? past & ((1 << (5 * UInt64(order))) - 1) | UInt64(order + 1) << 40
                : hour | (past & 31) << 8 | 9 << 40
            let hash = mixed(context)
            let place = Int(hash % UInt64(contexts.count))
            let after = Int(mixed(hash &+ UInt64(symbol) &* 0x9e37_79b9) % UInt64(successors.count))
            let (times, together) = (Double(contexts[place]), Double(min(successors[after], contexts[place])))
            probability = (together + 2 * probability) / (times + 2)
            count(place, after)
        }
        return -log2(probability)
    }

    private mutating func count(_ place: Int, _ after: Int) {
        contexts[place] += 1
        successors[after] += 1
        load += 1
        guard load >= 60_000 else { return }
        load = 30_000
        for index in contexts.indices { contexts[index] /= 2 }
        for index in successors.indices { successors[index] /= 2 }
    }

    mutating func code(_ coder: inout StateCoder) throws {
        try coder.code(&contexts)
        try coder.code(&successors)
        try coder.code(&past)
        try coder.code(&low, in: Bounds.values)
        try coder.code(&high, in: Bounds.values)
        try coder.code(&seen, in: Bounds.counts)
        try coder.code(&load, in: 0...60_000)
        try coder.code(&bits, in: 0...64)
        try instant.code(&coder)
        try pattern.code(&coder)
        // Each count was added to the load: more would overflow.
        try coder.check(contexts.allSatisfy { Int($0) <= load } && successors.allSatisfy { Int($0) <= load })
    }
}
