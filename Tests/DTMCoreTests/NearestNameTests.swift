import Testing

@testable import DTMCore

@Suite struct NearestNameTests {
    @Test(
        "The distance counts insertions, deletions, substitutions and swaps",
        arguments: [
            ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1),
            ("kitten", "sitting", 3), ("ab", "bca", 3), ("intervalSeconds", "intervlaSecond", 2),
        ])
    func distances(left: String, right: String, expected: Int) {
        #expect(NearestName.distance(Array(left), Array(right)) == expected)
        #expect(NearestName.distance(Array(right), Array(left)) == expected)
    }

    @Test("The nearest name is found regardless of case, and nothing that is far is") func nearest() {
        let names = ["name", "target", "allow", "portRange"]
        #expect(NearestName.of("portrange", among: names) == "portRange")
        #expect(NearestName.of("tagret", among: names) == "target")
        #expect(NearestName.of("alow", among: names) == "allow")
        #expect(NearestName.of("key", among: names) == nil)
        #expect(NearestName.of("", among: names) == nil)
        #expect(NearestName.of(String(repeating: "a", count: 100_000), among: names) == nil)
    }
}
