import DTMCore
import DTMTestSupport
import Testing

@testable import DTMAnalysis

@Suite struct AnalystSnapshotTests {
    private static let tunnel = AnalysisSubject.tunnel("redis")
    private static let app = AnalysisSubject.application("redis-server")

    private static func readings(_ second: Int, burst: Bool = false) -> [Reading] {
        let wave = Double((second * 7919) % 13)
        return [
            Reading(
                app, values: [.cpu: 3 + wave / 4, .memory: 1e8, .threads: 4, .connections: 5], app: "redis-server",
                deployment: 77),
            Reading(
                tunnel,
                values: [
                    .opened: burst ? 90 : 2 + wave / 6, .active: 5, .bytesOut: burst ? 9e6 : 4_000 + 100 * wave,
                    .duration: 1.5,
                ], app: "redis-server"),
        ]
    }

    private static func at(_ second: Int) -> Timestamp { Sample.start + .seconds(second) }

    /// Has learnt for so many seconds.
    private func learnt(_ seconds: Int = 1_515) -> Analyst {
        var analyst = Analyst()
        for second in 0..<seconds { _ = analyst.take(Self.readings(second), at: Self.at(second)) }
        return analyst
    }

    @Test(
        "After a restart the same readings give the same sightings, in the middle of an episode too",
        arguments: [1_515, 1_640])
    func same(restart: Int) throws {
        var analyst = learnt()
        for second in 1_515..<restart { _ = analyst.take(Self.readings(second, burst: true), at: Self.at(second)) }
        var restored = try Analyst(snapshot: analyst.snapshot(), at: Self.at(restart))
        #expect(restored.snapshot().count == analyst.snapshot().count)
        var sightings = 0
        for second in restart..<restart + 400 {
            let readings = Self.readings(second, burst: second < 1_800)
            let seen = analyst.take(readings, at: Self.at(second))
            #expect(restored.take(readings, at: Self.at(second)) == seen)
            sightings += seen.count
        }
        #expect(sightings > 0)
        for subject in [Self.tunnel, Self.app] {
            #expect(restored[subject]?.figures == analyst[subject]?.figures)
            #expect(restored[subject]?.isLearning == false)
            #expect(restored[subject]?.since == analyst[subject]?.since)
        }
    }

    @Test func `At most 64 subjects within 8 MiB are kept, those that were seen last`() throws {
        var analyst = Analyst()
        for second in 0..<3 {
            for number in 0..<100 {
                let values = Dictionary(uniqueKeysWithValues: Metric.allCases.map { ($0, 1.0) })
                _ = analyst.take(
                    [Reading(.tunnel("t\(number)"), values: values)], at: Self.at(second * 100 + number))
            }
        }
        let bytes = analyst.snapshot()
        #expect(bytes.count <= Analyst.snapshotLimit)
        let restored = try Analyst(snapshot: bytes, at: Self.at(1_000))
        #expect((30...Analyst.keptSubjects).contains(restored.known.count))
        #expect(restored[.tunnel("t99")] != nil && restored[.tunnel("t0")] == nil)
    }

    @Test func `A baseline can be taken to another tunnel, and to no application`() throws {
        let analyst = learnt()
        let baseline = try #require(analyst.baseline(of: Self.tunnel))
        #expect(baseline.count <= Analyst.baselineLimit && analyst.baseline(of: .tunnel("none")) == nil)
        var other = Analyst()
        try other.install(baseline, for: .tunnel("other"), at: Self.at(0))
        #expect(other[.tunnel("other")]?.isLearning == false)
        #expect(throws: DetectorStateError.self) { try other.install(baseline, for: Self.app, at: Self.at(0)) }
        #expect(throws: DetectorStateError.self) {
            try other.install(analyst.snapshot(), for: Self.tunnel, at: Self.at(0))
        }
        #expect(other.known == [.tunnel("other")])
    }

    @Test func `What a table taught is judged at once`() throws {
        var generator = SeededGenerator(seed: 1)
        let samples = (0..<1_000).map {
            SeriesSample(time: Double($0 * 10), value: Double.random(in: 2...4, using: &generator))
        }
        let training = Analyst.Training(.opened, from: samples)
        #expect(!training.isLearning && Analyst.Training(.opened, from: Array(samples.prefix(10))).isLearning)
        var analyst = Analyst()
        try analyst.install(training, for: Self.tunnel, at: Self.at(0))
        #expect(analyst[Self.tunnel]?.isLearning == false)
        var seen: [Sighting] = []
        for second in 0..<60 {
            seen += analyst.take(
                [Reading(Self.tunnel, values: [.opened: second < 20 ? 3 : 90])], at: Self.at(second))
        }
        let score = analyst[Self.tunnel]?.figures.first?.score
        #expect(seen.contains { $0.code == "traffic.unusual" }, "\(score ?? -1)")
    }

    @Test("Hostile bytes are refused, or are what is written the same way", arguments: SeededGenerator.seeds(4))
    func fuzz(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let analyst = learnt(300)
        let (all, one) = (analyst.snapshot(), try #require(analyst.baseline(of: Self.tunnel)))
        for _ in 0..<20 {
            if var read = try? Analyst(snapshot: generator.mutated(all), at: Self.at(300)) {
                for second in 300..<320 { _ = read.take(Self.readings(second), at: Self.at(second)) }
                #expect(try Analyst(snapshot: read.snapshot(), at: Self.at(320)).known.count == read.known.count)
            }
            var other = Analyst()
            if (try? other.install(generator.mutated(one), for: Self.tunnel, at: Self.at(0))) == nil {
                #expect(other.known.isEmpty)
            }
        }
        for bytes in [[], [1], Array(all.dropLast()), all + [0], one] {
            #expect(throws: DetectorStateError.self) { try Analyst(snapshot: bytes, at: Self.at(0)) }
        }
    }
}
