/// How often something happened, of how many trials.
public struct Proportion: Hashable, Sendable {
    public let hits: Int
    public let trials: Int

    /// - Parameter trials: At least 1; `hits` is held within them.
    public init(hits: Int, trials: Int) {
        self.trials = max(1, trials)
        self.hits = min(max(0, hits), self.trials)
    }

    public var value: Double { Double(hits) / Double(trials) }

    /// How many standard deviations of the normal distribution hold 95 % of it, both sides.
    public static let deviationsOf95Percent = 1.959_964
    /// The same for 99.99 %.
    public static let deviationsOf9999Percent = 3.890_592

    /// The score interval of E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (Journal
    /// of the American Statistical Association 22, 1927), equation 4. It stays within 0 and 1 and says something when
    /// nothing was hit, where the textbook's interval would be empty; L. D. Brown, T. T. Cai and A. DasGupta ("Interval
    /// estimation for a binomial proportion", Statistical Science 16, 2001) recommend it.
    ///
    /// - Parameter deviations: How many standard deviations to either side.
    public func interval(deviations z: Double = Self.deviationsOf95Percent) -> ClosedRange<Double> {
        let n = Double(trials)
        let p = value
        let scale = 1 + z * z / n
        let centre = (p + z * z / (2 * n)) / scale
        let half = z / scale * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        // Exactly 0 and 1 at the ends: what rounding leaves there would exclude them.
        return (hits == 0 ? 0 : max(0, centre - half))...(hits == trials ? 1 : min(1, centre + half))
    }
}
