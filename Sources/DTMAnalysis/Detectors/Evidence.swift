/// What one feature says about one sample: a value, nothing is allocated.
struct Evidence {
    var feature: SeriesFeature
    /// Powers of ten by which this is rarer than once in the known history.
    var surprise: Double
    var observed: Double
    var expected: Double
    var since: Double

    var reason: Reason {
        Reason(feature: feature, observed: observed, expected: expected, weight: surprise, since: since)
    }
}

/// A detector of the ensemble: it gives evidence for one or more features, which the ensemble puts together.
protocol EvidenceSource: StreamingDetector {
    /// Calls `give` once for each of its features. `sample.value` is finite and within ``Bounds``.
    mutating func weigh(_ sample: SeriesSample, _ give: (Evidence) -> Void)
    /// Writes or reads what it has learnt.
    mutating func code(_ coder: inout StateCoder) throws
}

extension EvidenceSource {
    /// The detector alone, without the others.
    public mutating func observe(_ sample: SeriesSample) -> Assessment {
        guard let sample = sample.usable else { return Assessment(score: 0) }
        var panel = EvidencePanel()
        weigh(sample) { panel.add($0) }
        let score = ScoreScale.score(panel.surprise)
        return Assessment(score: score, reasons: score >= Assessment.explained ? panel.reasons : [])
    }
}

extension SeriesSample {
    /// With a value within ``Bounds``; nil when it is missing.
    var usable: SeriesSample? {
        guard value.isFinite else { return nil }
        let moment = time.isFinite ? time : 0
        return SeriesSample(
            time: min(max(moment, Bounds.moments.lowerBound), Bounds.moments.upperBound),
            value: min(max(value, -Bounds.value), Bounds.value))
    }
}
