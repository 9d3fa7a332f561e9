import Glibc

/// Series that belong together, as all features of one tunnel: what several of them show at once counts for more than what one does.
///
/// Series that move together do not confirm each other by moving as they always do, since each is judged by its own history first.
public struct SeriesGroup: Sendable {
    /// What is said about one moment of all series.
    public struct Assessment: Sendable {
        /// 0 to 1, on the scale of a single series.
        public var score: Double
        /// The series that have a part in it, the strongest first, at most eight: their indices and what is said of them.
        public var parts: [(series: Int, assessment: DTMAnalysis.Assessment)]
    }

    /// The most series of a group.
    public static let capacity = 256
    /// What each further series adds, as for the features of one.
    private static let agreement = 0.25

    /// One for each series, in order: a snapshot of the group is one of each.
    public var detectors: [SeriesDetector]

    public init(count: Int) {
        detectors = Array(repeating: SeriesDetector(), count: min(max(count, 0), Self.capacity))
    }

    /// Judges one value of each series; what is missing at the end, or not a number, is a missing value.
    public mutating func observe(time: Double, values: [Double]) -> Assessment {
        var parts: [(series: Int, assessment: DTMAnalysis.Assessment)] = []
        var strongest = 0.0
        var sum = 0.0
        for (index, value) in values.prefix(detectors.count).enumerated() {
            let assessment = detectors[index].observe(SeriesSample(time: time, value: value))
            strongest = max(strongest, assessment.score)
            sum += max(0, ScoreScale.surprise(assessment.score))
            if assessment.score >= DTMAnalysis.Assessment.explained { parts.append((index, assessment)) }
        }
        guard strongest >= DTMAnalysis.Assessment.explained else { return Assessment(score: strongest, parts: []) }
        let alone = max(0, ScoreScale.surprise(strongest))
        let together = min(alone + Self.agreement * (sum - alone), EvidencePanel.most)
        parts.sort { $0.assessment.score > $1.assessment.score }
        return Assessment(score: max(strongest, ScoreScale.score(together)), parts: Array(parts.prefix(8)))
    }
}
