import Glibc

/// How long the seeded tests go on: as long as their source says in every run of the tests, and longer in `make fuzz`.
extension SeededGenerator {
    /// The environment variable that multiplies the rounds of every seeded test.
    package static let factorVariable = "DTM_FUZZ_ITERATIONS"

    /// What it may be.
    package static let factors = 1...1_000

    /// `count` rounds, times the factor of this run. Rounds beyond `count` go on with the same numbers, so what failed in a
    /// short run fails in a long one too, and a long run's failure is repeated with the same factor.
    package static func rounds(_ count: Int) -> Range<Int> { 0..<count * factor }

    /// As ``rounds(_:)``, for tests that take a new seed for each.
    package static func seeds(_ count: UInt64) -> Range<UInt64> { 0..<count * UInt64(factor) }

    private static let factor = factor(of: getenv(factorVariable).map { String(cString: $0) })

    /// What is no number is 1, and what is too large the largest: `scripts/run-tests` has refused both before.
    package static func factor(of text: String?) -> Int {
        min(max(text.flatMap { Int($0) } ?? 1, factors.lowerBound), factors.upperBound)
    }
}
