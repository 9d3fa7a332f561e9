import DTMAnalysis
import DTMTestSupport
import Testing

@Suite struct EdgeBurstTests {
    private typealias Edge = EdgeBurstDetector.Edge

    /// 200 identities on 20 tunnels, each calling now and then.
    private func background(_ ticks: Range<Int>, _ generator: inout SeededGenerator) -> [Edge] {
        ticks.flatMap { tick in
            (0..<40).map { _ in
                Edge(
                    identity: .random(in: 0..<200, using: &generator), tunnel: .random(in: 0..<20, using: &generator),
                    time: 10 * Double(tick))
            }
        }
    }

    @Test func `A burst of one identity on one tunnel is found at once, and the others' calls are none`() {
        var generator = SeededGenerator(seed: 1)
        var detector = EdgeBurstDetector(tick: 10, seed: 7)
        for edge in background(0..<200, &generator) {
            #expect(detector.observe(edge).score < SeriesDetector.threshold)
        }
        var burst = detector.observe(Edge(identity: 3, tunnel: 4, time: 2_000))
        for _ in 0..<100 { burst = detector.observe(Edge(identity: 3, tunnel: 4, time: 2_000)) }
        #expect(burst.score >= SeriesDetector.threshold)
        #expect(burst.observed >= 100)
        #expect(detector.observe(Edge(identity: 150, tunnel: 12, time: 2_001)).score < SeriesDetector.threshold)
    }

    @Test func `A burst that goes on is not learnt as usual within some ticks`() {
        var generator = SeededGenerator(seed: 2)
        var detector = EdgeBurstDetector(tick: 10, seed: 7)
        for edge in background(0..<200, &generator) { _ = detector.observe(edge) }
        var last = 0.0
        for tick in 200..<260 {
            for _ in 0..<60 { last = detector.observe(Edge(identity: 3, tunnel: 4, time: 10 * Double(tick))).score }
        }
        #expect(last >= SeriesDetector.threshold)
    }

    @Test func `What is as busy as ever is no burst`() {
        var detector = EdgeBurstDetector(tick: 10, seed: 7)
        for tick in 0..<400 {
            for _ in 0..<50 {
                #expect(
                    detector.observe(Edge(identity: 1, tunnel: 1, time: 10 * Double(tick))).score
                        < SeriesDetector.threshold)
            }
        }
    }

    @Test func `Any numbers are taken`() {
        var generator = SeededGenerator(seed: 3)
        var detector = EdgeBurstDetector(tick: .nan, seed: 7)
        for _ in SeededGenerator.rounds(2_000) {
            let edge = Edge(
                identity: generator.next(), tunnel: generator.next(), time: Double(bitPattern: generator.next()),
                count: Double(bitPattern: generator.next()))
            let burst = detector.observe(edge)
            #expect((0...1).contains(burst.score) && burst.observed.isFinite && burst.expected.isFinite)
        }
    }
}

@Suite struct BeaconTests {
    /// People who call the tunnel at random.
    private func people(_ detector: inout BeaconDetector, _ generator: inout SeededGenerator) {
        for peer in 100..<120 as Range<UInt64> {
            var time = 0.0
            for _ in 0..<40 {
                time += -120 * Double.random(in: 0.01...1, using: &generator).logarithm
                #expect(detector.observe(peer: peer, tunnel: 1, time: time).score < SeriesDetector.threshold)
            }
        }
    }

    @Test func `One peer that calls like a clock among people is a beacon, with its interval`() {
        var generator = SeededGenerator(seed: 1)
        var detector = BeaconDetector()
        people(&detector, &generator)
        var beacon = detector.observe(peer: 1, tunnel: 1, time: 0)
        for call in 1..<60 {
            let time = 60 * Double(call) + Double.random(in: -1...1, using: &generator)
            beacon = detector.observe(peer: 1, tunnel: 1, time: time)
            if call < 12 { #expect(beacon.score == 0) }
        }
        #expect(beacon.score >= SeriesDetector.threshold)
        #expect(abs(beacon.interval - 60) < 2)
        #expect(beacon.calls == 60 && beacon.since == 0)
    }

    @Test func `Regularity alone is none: not when all are regular, and not with nobody to compare with`() {
        var crowd = BeaconDetector()
        var alone = BeaconDetector()
        for call in 0..<100 {
            for peer in 0..<10 as Range<UInt64> {
                let time = 60 * Double(call) + Double(peer)
                #expect(crowd.observe(peer: peer, tunnel: 1, time: time).score < SeriesDetector.threshold)
            }
            #expect(alone.observe(peer: 1, tunnel: 1, time: 60 * Double(call)).score < SeriesDetector.threshold)
        }
    }

    @Test func `Memory is bounded, and any moments are taken`() {
        var generator = SeededGenerator(seed: 2)
        var detector = BeaconDetector(capacity: 100)
        for _ in SeededGenerator.rounds(3_000) {
            let beacon = detector.observe(
                peer: .random(in: 0..<200, using: &generator), tunnel: .random(in: 0..<3, using: &generator),
                time: Double(bitPattern: generator.next()))
            #expect((0...1).contains(beacon.score) && (0...1).contains(beacon.prevalence))
            #expect(detector.count <= 100)
        }
    }
}

extension Double {
    fileprivate var logarithm: Double { MadeSeries.logarithm(self) }
}
