/// The detectors of one series together, with one score.
///
/// `init` → `observe` for each sample … → `snapshot()`, from which `init(snapshot:)` goes on exactly where this one was. How the detectors
/// are put together stands in docs/analysis.md. Bounded: about 20 KiB, whatever comes.
public struct SeriesDetector: StreamingDetector {
    /// From this score on a sample is an alarm.
    public static let threshold = 0.7

    /// How it is put together; the defaults are what DTM uses.
    struct Tuning {
        /// The quiet period after an alarm, as a share of the samples so far.
        var quietShare = 0.08
        var shortestQuiet = 96
        var longestQuiet = 1_500
        /// How much more surprising than the last alarm something has to be to break the quiet, in powers of ten.
        var breaking = 4.0
        /// The surprise that is an alarm.
        var middle = 0.24
        /// Samples before anything is said.
        var warmUp = 48
    }

    private var level: LevelDetector
    private var season = SeasonalDetector()
    private var context = ContextDetector()
    private var volatility = VolatilityDetector()
    private var change = ChangeDetector()
    private var seen = 0
    private var quiet = 0
    private var loudest = 0.0
    private let tuning: Tuning

    /// - Parameter seed: which samples of a long history are kept. Same seed, same samples, same scores.
    public init(seed: UInt64 = 1) { self.init(tuning: Tuning(), seed: seed) }

    init(tuning: Tuning, seed: UInt64 = 1) {
        self.tuning = tuning
        level = LevelDetector(seed: seed)
    }

    public mutating func observe(_ sample: SeriesSample) -> Assessment {
        guard let sample = sample.usable else { return Assessment(score: 0) }
        var panel = EvidencePanel()
        weigh(sample, &panel)
        seen = min(seen + 1, 1 << 30)
        guard seen > tuning.warmUp else { return Assessment(score: 0) }
        let score = hushed(panel.surprise)
        return Assessment(score: score, reasons: score >= Assessment.explained ? panel.reasons : [])
    }

    private mutating func weigh(_ sample: SeriesSample, _ panel: inout EvidencePanel) {
        level.weigh(sample) { panel.add($0) }
        season.weigh(sample) { panel.add($0) }
        context.follow(level.history)
        context.weigh(sample) { panel.add($0) }
        volatility.weigh(sample) { panel.add($0) }
        change.scale = level.scale
        change.weigh(sample) { panel.add($0) }
        if let difference = change.relearnt {
            level.relearn(from: change.recent)
            season.relearn(by: difference)
        }
    }

    /// One anomaly is one alarm: after it the score stays below the threshold for a while, unless something far worse comes.
    private mutating func hushed(_ surprise: Double) -> Double {
        let score = ScoreScale.score(surprise, middle: tuning.middle)
        if quiet > 0 { quiet -= 1 }
        guard score >= Self.threshold else { return score }
        if quiet > 0, surprise < loudest + tuning.breaking {
            return 0.5 * score
        }
        loudest = surprise
        quiet = min(max(Int(tuning.quietShare * Double(seen)), tuning.shortestQuiet), tuning.longestQuiet)
        return score
    }

    mutating func codeState(_ coder: inout StateCoder) throws {
        try level.code(&coder)
        try season.code(&coder)
        try context.code(&coder)
        try volatility.code(&coder)
        try change.code(&coder)
        try coder.code(&seen, in: Bounds.counts)
        try coder.code(&quiet, in: Bounds.counts)
        try coder.code(&loudest, in: -1e6...1e6)
    }
}
