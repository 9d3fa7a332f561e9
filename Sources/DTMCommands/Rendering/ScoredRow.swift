import DTMAnalysis

/// A scored row as people and scripts see it.
enum ScoredRow {
    /// `timestamp,value,score`, with the first two as they came.
    static func text(_ row: SeriesRow, _ assessment: Assessment) -> String {
        "\(row.timestamp),\(row.value),\(score(assessment.score))"
    }

    /// One object. All that is in it was checked: no character of it has to be escaped.
    static func json(_ row: SeriesRow, _ assessment: Assessment) -> String {
        let value = row.sample.value.isFinite ? "\(row.sample.value)" : "null"
        let reasons = assessment.reasons.map { reason in
            #"{"feature":"\#(reason.feature.rawValue)","observed":\#(reason.observed),"expected":\#(reason.expected),"#
                + #""weight":\#(reason.weight),"since":\#(reason.since)}"#
        }
        return #"{"timestamp":"\#(row.timestamp)","value":\#(value),"score":\#(score(assessment.score)),"#
            + #""reasons":[\#(reasons.joined(separator: ","))]}"#
    }

    /// Six decimals, never in powers of ten.
    static func score(_ score: Double) -> String {
        let millionths = Int((min(max(score, 0), 1) * 1_000_000).rounded())
        let fraction = String(millionths % 1_000_000)
        return "\(millionths / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
}
