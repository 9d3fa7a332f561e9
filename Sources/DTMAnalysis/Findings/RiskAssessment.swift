public import DTMCore

/// How bad it is, out of all findings about something, with the arithmetic.
///
/// risk = 100 × (1 − Π(1 − rᵢ/100 · cᵢ · dᵢ)), "noisy or": each finding is an independent reason, of which one suffices. r is
/// its risk, c its confidence, d = 2^(−age/half-life). Of findings with the same code only the weightiest counts, and of all
/// at most ``mostTerms``: a thousand small ones of one kind are no catastrophe. What a
/// model said does not count: it advises.
public struct RiskAssessment: Hashable, Sendable {
    /// After this time a finding weighs half.
    public static let halfLife = Duration.seconds(21_600)
    /// The most findings that are counted.
    public static let mostTerms = 16
    /// The most factors that ``arithmetic`` shows.
    private static let mostShown = 4

    /// 0–100.
    public var risk: Int
    /// How ``risk`` comes about, as `100 × (1 − (1 − 0.85·0.95·1.00)) = 81`; empty without findings.
    public var arithmetic: String

    /// The risk out of all of `findings` at a moment.
    public init(_ findings: some Sequence<Finding>, at now: Timestamp) {
        var weightiest: [String: (finding: Finding, weight: Double)] = [:]
        for finding in findings where finding.source != .model {
            let weight = Self.weight(of: finding, at: now)
            let known = weightiest[finding.code]
            // Of equal ones always the same, whatever the order.
            if known.map({ ($0.weight, $0.finding.id) < (weight, finding.id) }) ?? true {
                weightiest[finding.code] = (finding, weight)
            }
        }
        let terms = weightiest.values.sorted { ($0.weight, $1.finding.id) > ($1.weight, $0.finding.id) }
            .prefix(Self.mostTerms)
        let innocence = terms.reduce(1) { $0 * (1 - $1.weight) }
        risk = Int((100 * (1 - innocence)).rounded())
        guard !terms.isEmpty else {
            arithmetic = ""
            return
        }
        let factors = terms.prefix(Self.mostShown).map { Self.factor($0.finding, at: now) }.joined()
        let rest = terms.count > Self.mostShown ? "… \(terms.count - Self.mostShown) more" : ""
        arithmetic = "100 × (1 − \(factors)\(rest)) = \(risk)"
    }

    /// What one finding weighs, 0–1.
    static func weight(of finding: Finding, at now: Timestamp) -> Double {
        Double(min(100, max(0, finding.risk))) / 100 * min(1, max(0, finding.confidence)) * decay(finding, now)
    }

    /// From 1 towards 0. What was seen "later than now" is new.
    private static func decay(_ finding: Finding, _ now: Timestamp) -> Double {
        let halves = max(0, (now - finding.time).inSeconds) / halfLife.inSeconds
        let whole = Int(min(60, halves))
        // Between two halvings a straight line: close enough, and no library of functions.
        return (1 - (min(60, halves) - Double(whole)) / 2) / Double(UInt64(1) << UInt64(whole))
    }

    private static func factor(_ finding: Finding, at now: Timestamp) -> String {
        "(1 − \(hundredths(Double(finding.risk) / 100))·\(hundredths(finding.confidence))·"
            + "\(hundredths(decay(finding, now))))"
    }

    private static func hundredths(_ value: Double) -> String {
        let number = Int((value * 100).rounded())
        return "\(number / 100)." + (number % 100 < 10 ? "0" : "") + "\(number % 100)"
    }
}
