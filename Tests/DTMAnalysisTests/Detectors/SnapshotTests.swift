import DTMAnalysis
import DTMTestSupport
import Testing

@Suite struct DetectorSnapshotTests {
    @Test(arguments: [0, 1, 40, 299, 700, 1_500])
    func `A restored detector goes on exactly where the other was`(length: Int) throws {
        let samples = MadeSeries.noise(2_000)
        var first = SeriesDetector()
        _ = first.scores(Array(samples.prefix(length)))
        var second = try SeriesDetector(snapshot: first.snapshot())
        #expect(second.snapshot() == first.snapshot())
        for sample in samples.dropFirst(length) { #expect(second.observe(sample) == first.observe(sample)) }
        #expect(second.snapshot() == first.snapshot())
    }

    @Test func `A snapshot has the same size whatever came, and fits 20 KiB`() {
        var detector = SeriesDetector()
        let size = detector.snapshot().count
        #expect(size <= 20_480)
        _ = detector.scores(MadeSeries.hostile(1_000, seed: 1))
        #expect(detector.snapshot().count == size)
    }

    @Test func `What is cut off, too long or of another kind is refused`() {
        let whole = SeriesDetector().snapshot()
        let cases: [([UInt8], DetectorStateError.Code)] = [
            ([], .tooShort), (Array(whole.dropLast()), .tooShort), (whole + [0], .tooLong),
            ([UInt8](repeating: 0, count: SeriesDetector.snapshotLimit + 1), .tooLong),
            ([1] + whole.dropFirst(), .notAState),
        ]
        for (bytes, code) in cases {
            #expect { _ = try SeriesDetector(snapshot: bytes) } throws: {
                ($0 as? DetectorStateError)?.code == code
            }
        }
    }

    @Test(arguments: SeededGenerator.seeds(60))
    func `A hostile snapshot is refused, or gives a detector that works`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var detector = SeriesDetector()
        _ = detector.scores(MadeSeries.noise(Int.random(in: 0...500, using: &generator), seed: seed))
        var bytes = detector.snapshot()
        for _ in 0..<Int.random(in: 1...40, using: &generator) {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[place] =
                [0, 0x7f, 0x80, 0xff, .random(in: 0...255, using: &generator)].randomElement(using: &generator) ?? 0
        }
        // The mark stays, or nothing would be read.
        bytes.replaceSubrange(0..<8, with: detector.snapshot().prefix(8))
        guard var restored = try? SeriesDetector(snapshot: bytes) else { return }
        for sample in MadeSeries.noise(200, seed: seed) + MadeSeries.hostile(200, seed: seed) {
            let assessment = restored.observe(sample)
            #expect((0...1).contains(assessment.score))
        }
    }
}
