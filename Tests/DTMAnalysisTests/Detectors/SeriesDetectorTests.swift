import DTMAnalysis
import DTMTestSupport
import Testing

@Suite struct SeriesDetectorTests {
    @Test func `A spike far beyond all before it is an alarm at once, with its reasons`() throws {
        var samples = MadeSeries.noise(1_200)
        samples[1_000].value = 150
        var detector = SeriesDetector()
        var assessments: [Assessment] = []
        for sample in samples { assessments.append(detector.observe(sample)) }
        #expect(assessments[1_000].score >= SeriesDetector.threshold)
        let reason = try #require(assessments[1_000].reasons.first { $0.feature == .level })
        #expect(reason.observed == 150)
        #expect(abs(reason.expected - 50) < 3)
        #expect(reason.since == samples[1_000].time)
        #expect(assessments.allSatisfy { $0.reasons.count <= 4 })
    }

    @Test func `What goes on after an alarm does not raise it again and again`() {
        var samples = MadeSeries.noise(1_300)
        for index in 1_000..<1_060 { samples[index].value += 60 }
        var detector = SeriesDetector()
        let alarms = detector.scores(samples).alarms.filter { (1_000..<1_060).contains($0) }
        #expect(alarms.first == 1_000)
        #expect(alarms.count <= 3)
    }

    @Test func `Noise alone gives an alarm once in some hundred samples at most`() {
        for seed in 1...4 as ClosedRange<UInt64> {
            var detector = SeriesDetector()
            #expect(detector.scores(MadeSeries.noise(4_000, seed: seed)).alarms.count <= 12)
        }
    }

    @Test func `A series that never moves gives no alarm, and one when it does`() {
        var detector = SeriesDetector()
        let still = MadeSeries.samples(3_000) { $0 < 2_900 ? 45 : 46 }
        #expect(detector.scores(still).alarms.first == 2_900)
    }

    @Test func `A score depends on what came before alone`() {
        let samples = MadeSeries.noise(700) + MadeSeries.hostile(300, seed: 5)
        var whole = SeriesDetector()
        let scores = whole.scores(samples)
        for length in [1, 64, 333, 701, 999] {
            var part = SeriesDetector()
            #expect(part.scores(Array(samples.prefix(length))) == Array(scores.prefix(length)))
        }
    }

    @Test(arguments: SeededGenerator.seeds(20))
    func `Whatever comes, scores lie from 0 to 1 and reasons are numbers`(seed: UInt64) {
        var detector = SeriesDetector()
        for sample in MadeSeries.hostile(600, seed: seed) {
            let assessment = detector.observe(sample)
            #expect((0...1).contains(assessment.score))
            #expect(
                assessment.reasons.allSatisfy { $0.observed.isFinite && $0.expected.isFinite && $0.weight.isFinite })
        }
    }

    @Test func `What is missing is no alarm and teaches nothing`() {
        let samples = MadeSeries.noise(600)
        var plain = SeriesDetector()
        var holed = SeriesDetector()
        for sample in samples {
            #expect(holed.observe(SeriesSample(time: sample.time, value: .nan)).score == 0)
            #expect(holed.observe(sample) == plain.observe(sample))
        }
    }

    @Test func `After a deployment the new level becomes the baseline`() {
        var generator = SeededGenerator(seed: 3)
        let samples = MadeSeries.samples(4_000) { ($0 < 1_500 ? 50 : 90) + 2 * MadeSeries.normal(&generator) }
        var detector = SeriesDetector()
        let scores = detector.scores(samples)
        #expect(scores.alarms.contains { (1_500..<1_510).contains($0) })
        #expect(scores.alarms.filter { $0 >= 2_600 }.count <= 3)
        // The old level is now what is strange.
        #expect(
            detector.observe(SeriesSample(time: samples[3_999].time + 300, value: 50)).score >= SeriesDetector.threshold
        )
    }

    @Test func `A slow ramp can't teach the baseline: it is found while it goes on`() {
        var generator = SeededGenerator(seed: 4)
        // Half a spread in a hundred samples: each step is far below the noise.
        let samples = MadeSeries.samples(5_000) {
            50 + (max(0, Double($0) - 2_000) * 0.01) + 2 * MadeSeries.normal(&generator)
        }
        var detector = SeriesDetector()
        var isDrift = false
        for sample in samples {
            let assessment = detector.observe(sample)
            guard sample.time > samples[2_000].time, assessment.score >= SeriesDetector.threshold else { continue }
            isDrift = isDrift || assessment.reasons.contains { $0.feature == .drift && $0.weight > 0.5 }
        }
        #expect(isDrift)
    }

    @Test func `An hour that is unlike the same hour of other days is an alarm though its value is usual`() {
        var generator = SeededGenerator(seed: 6)
        let samples = MadeSeries.samples(4_032) { index in
            let isDay = (index / 12 + 8) % 24 < 12 && !(3_470..<3_560).contains(index)
            return (isDay ? 80 : 20) + MadeSeries.normal(&generator)
        }
        var detector = SeriesDetector()
        #expect(detector.scores(samples).alarms.contains { (3_450..<3_600).contains($0) })
    }
}

@Suite struct SeriesGroupTests {
    @Test func `What several series show at once has a higher score than what one shows`() {
        let quiet = (1...3).map { MadeSeries.noise(1_000, seed: $0) }
        var one = SeriesGroup(count: 3)
        var three = SeriesGroup(count: 3)
        for index in 0..<1_000 {
            _ = one.observe(time: quiet[0][index].time, values: quiet.map { $0[index].value })
            _ = three.observe(time: quiet[0][index].time, values: quiet.map { $0[index].value })
        }
        let time = quiet[0][999].time + 300
        let alone = one.observe(time: time, values: [63, 50, 50])
        let together = three.observe(time: time, values: [63, 63, 63])
        #expect(together.score > alone.score)
        #expect(together.parts.count >= 2 && alone.parts.first?.series == 0)
        #expect(three.observe(time: time + 300, values: []).score == 0)
    }
}
