import Glibc

/// Puts the evidence on one sample together: the strongest counts in full, what agrees with it adds a part.
///
/// Holds the four strongest in place, so that an unremarkable sample allocates nothing.
struct EvidencePanel {
    /// What each further feature adds.
    static let agreement = 0.8
    /// More than this is no more certain: the history is too short to tell.
    static let most = 6.0

    private var first: Evidence?
    private var second: Evidence?
    private var third: Evidence?
    private var fourth: Evidence?
    private var sum = 0.0

    mutating func add(_ evidence: Evidence) {
        var bounded = evidence
        bounded.surprise = min(evidence.surprise, Self.most) - evidence.feature.handicap
        sum += max(bounded.surprise, 0)
        var moved: Evidence? = bounded
        Self.sink(&moved, &first)
        Self.sink(&moved, &second)
        Self.sink(&moved, &third)
        Self.sink(&moved, &fourth)
    }

    private static func sink(_ moved: inout Evidence?, _ place: inout Evidence?) {
        guard let candidate = moved else { return }
        if let held = place, held.surprise >= candidate.surprise { return }
        moved = place
        place = candidate
    }

    /// Powers of ten by which the sample is rarer than once in the known history.
    var surprise: Double {
        guard let strongest = first?.surprise else { return -3 }
        return min(strongest + Self.agreement * (sum - max(strongest, 0)), Self.most)
    }

    var reasons: [Reason] { [first, second, third, fourth].compactMap { $0 }.filter { $0.surprise > 0 }.map(\.reason) }
}

/// The scale from 0 to 1.
enum ScoreScale {
    /// The surprise that has the score 0.7.
    static let middle = 0.24
    private static let steepness = 1.2

    static func score(_ surprise: Double, middle: Double = middle) -> Double {
        let odds = exp(-steepness * (surprise - middle)) * (0.3 / 0.7)
        return 1 / (1 + odds)
    }

    /// The surprise that has this score.
    static func surprise(_ score: Double) -> Double {
        let bounded = min(max(score, 1e-9), 1 - 1e-9)
        return middle - log((1 - bounded) / bounded * (0.7 / 0.3)) / steepness
    }
}
