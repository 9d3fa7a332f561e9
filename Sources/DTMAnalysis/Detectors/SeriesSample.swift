/// One value of a series at one moment.
public struct SeriesSample: Hashable, Sendable {
    /// Seconds since 1970-01-01T00:00:00Z. May go back or jump: what is learnt by the clock then only follows it.
    public var time: Double
    /// Anything: what is not finite counts as missing.
    public var value: Double

    public init(time: Double, value: Double) {
        self.time = time
        self.value = value
    }
}

/// What a detector looks at, by the name under which it gives its reasons.
public enum SeriesFeature: String, Hashable, Sendable, CaseIterable {
    /// The value against the median of a long history, in units of its spread.
    case level
    /// The value against the one before it.
    case step
    /// The value against the mean of the last few.
    case jump
    /// The value against the mean of the last twenty or so.
    case departure
    /// The value against the median of the last 48, in units of their spread.
    case local
    /// The mean of about half an hour of samples against that of some hundred.
    case shift
    /// The value against what this hour of the day and day of the week usually bring.
    case season
    /// The same, averaged over several samples.
    case seasonalTrend
    /// How unlikely the value is after the ones before it and at this hour.
    case sequence
    /// The same, averaged over several samples: a pattern that is strange though no value is.
    case pattern
    /// How much the values move, against how much they did.
    case volatility
    /// How long the value has not moved at all.
    case flatline
    /// The recent median against a baseline that hardly moves: what slow teaching can't hide from.
    case drift

    /// Powers of ten that its surprise has to lose first: features that are often surprised by what is nothing count for less. Found on made
    /// series of many kinds (docs/analysis.md).
    var handicap: Double {
        switch self {
        case .level, .step, .jump, .departure, .sequence, .flatline: 0
        case .pattern: 0.4
        case .local: 1
        case .drift, .volatility, .shift, .season, .seasonalTrend: 2
        }
    }
}

/// One feature's part in a score.
public struct Reason: Hashable, Sendable {
    public var feature: SeriesFeature
    /// What was seen, and what was expected, in the feature's own unit: that of the value, or a ratio, bits or a count.
    public var observed: Double
    public var expected: Double
    /// Powers of ten by which this was rarer than once in the history that is known.
    public var weight: Double
    /// When it began, seconds since 1970.
    public var since: Double

    public init(feature: SeriesFeature, observed: Double, expected: Double, weight: Double, since: Double) {
        self.feature = feature
        self.observed = observed
        self.expected = expected
        self.weight = weight
        self.since = since
    }
}

/// What a detector says about one sample.
public struct Assessment: Hashable, Sendable {
    /// 0, nothing unusual, to 1. From ``SeriesDetector/threshold`` on it is worth somebody's attention.
    public var score: Double
    /// What made the score, the weightiest first: at most four, and none below ``explained``.
    public var reasons: [Reason]

    /// Scores below this come without reasons: nothing is allocated for a sample that is as usual.
    public static let explained = 0.5

    public init(score: Double, reasons: [Reason] = []) {
        self.score = score
        self.reasons = reasons
    }
}

/// A detector that sees one sample after the other and never one that is still to come.
public protocol StreamingDetector: Sendable {
    /// Judges a sample by what came before it, and learns from it.
    mutating func observe(_ sample: SeriesSample) -> Assessment
}

extension SeriesFeature {
    /// As a person says it.
    public var words: String {
        switch self {
        case .level: "far from the level of before"
        case .step: "a step"
        case .jump: "a jump"
        case .departure: "it left what it had been near"
        case .local: "unlike the minutes before"
        case .shift: "the level moved"
        case .season, .seasonalTrend: "unlike this hour of other days"
        case .sequence: "unlikely after what came before"
        case .pattern: "a strange pattern"
        case .volatility: "it moves more, or less, than before"
        case .flatline: "it stands still"
        case .drift: "a slow drift"
        }
    }
}
