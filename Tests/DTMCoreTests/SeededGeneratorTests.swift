import DTMTestSupport
import Testing

/// What `make fuzz` relies on.
@Suite struct SeededGeneratorTests {
    @Test(
        "The factor of the seeded tests stays within its bounds",
        arguments: [(nil, 1), ("", 1), ("x", 1), ("0", 1), ("-3", 1), ("20", 20), ("1000", 1_000), ("99999", 1_000)]
            as [(String?, Int)])
    func factors(text: String?, factor: Int) {
        #expect(SeededGenerator.factor(of: text) == factor)
    }

    @Test("More rounds begin with the same numbers")
    func sameNumbers() {
        var short = SeededGenerator(seed: 9)
        var long = SeededGenerator(seed: 9)
        let numbers = (0..<200).map { _ in long.next() }
        #expect((0..<10).map { _ in short.next() } == Array(numbers.prefix(10)))
        #expect(SeededGenerator.rounds(7).count.isMultiple(of: 7))
    }
}
