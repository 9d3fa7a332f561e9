import Glibc

/// Bursts of connections between an identity and a tunnel, among any number of both, in constant memory and time: after MIDAS (Bhatia, Hooi,
/// Yoon, Shin and Faloutsos, "MIDAS: Microcluster-Based Detector of Anomalies in Edge Streams", 2020), the relational kind, whose counts of the
/// present decay instead of starting at nothing.
///
/// `init` → ``observe(_:)`` for each connection. Counts of now are compared with the mean of the ticks before, for the edge, for its identity and
/// for its tunnel; the deviation is that of a χ² test with one degree of freedom. Only what was no burst is added to the past in full, so a burst
/// that goes on stays one for long.
public struct EdgeBurstDetector: Sendable {
    /// One connection, or several at once.
    public struct Edge: Hashable, Sendable {
        /// Any hash of the identity and of the tunnel.
        public var identity: UInt64
        public var tunnel: UInt64
        /// Seconds since 1970.
        public var time: Double
        public var count: Double

        public init(identity: UInt64, tunnel: UInt64, time: Double, count: Double = 1) {
            self.identity = identity
            self.tunnel = tunnel
            self.time = time
            self.count = count
        }
    }

    /// What is said about an edge.
    public struct Burst: Hashable, Sendable {
        /// 0 to 1, from ``SeriesDetector/threshold`` on worth attention.
        public var score: Double
        /// Whose burst it is most.
        public var scope: Scope
        /// Connections in the present tick, older ones counting less, and what the ticks before let expect.
        public var observed: Double
        public var expected: Double
        /// When the present tick began.
        public var since: Double
    }

    /// What a burst is counted by.
    public enum Scope: String, Hashable, Sendable, CaseIterable { case edge, identity, tunnel }

    /// Seconds of a tick.
    public let tick: Double
    private static let decay: Float = 0.5
    private static let width = 512
    /// Ticks before anything is said.
    private static let warmUp = 16
    /// A burst has at least so many connections more than expected: χ² makes much of small numbers.
    private static let least = 8.0

    private var present: [CountMinSketch]
    private var past: [CountMinSketch]
    private var start = 0.0
    private var ticks = 0

    /// - Parameters:
    ///   - tick: seconds, from 0.001 to a day; what lies outside is taken for the nearest.
    ///   - seed: random, and not known to those who are watched.
    public init(tick: Double = 10, seed: UInt64) {
        self.tick = tick.isFinite ? min(max(tick, 0.001), 86_400) : 10
        let sketch = CountMinSketch(width: Self.width, seed: mixed(seed))
        present = [sketch, sketch, sketch]
        past = present
    }

    /// Counts an edge and says how much of a burst it belongs to. Edges that come late count for the present tick.
    public mutating func observe(_ edge: Edge) -> Burst {
        advance(to: edge.time)
        let count = edge.count.isFinite ? min(max(edge.count, 0), 1e9) : 0
        var burst = Burst(score: 0, scope: .edge, observed: 0, expected: 0, since: start)
        for (index, scope) in Scope.allCases.enumerated() {
            let key = Self.key(edge, scope)
            present[index].add(key, Float(count))
            let now = Double(present[index].count(of: key))
            // The present holds what is left of the ticks before: in the mean twice a tick's.
            let mean = 2 * Double(past[index].count(of: key)) / Double(max(ticks, 1))
            let score = ticks >= Self.warmUp ? Self.score(now, mean, ticks) : 0
            learn(key, index, count, isBurst: score >= SeriesDetector.threshold)
            if score > burst.score || index == 0 {
                burst = Burst(score: score, scope: scope, observed: now, expected: mean, since: start)
            }
        }
        return burst
    }

    private mutating func learn(_ key: UInt64, _ index: Int, _ count: Double, isBurst: Bool) {
        past[index].add(key, Float(isBurst ? 0.05 * count : count))
    }

    /// `(a − m)² (t − 1) / m` of the paper, per tick, with a floor under the mean for keys that are new.
    private static func score(_ now: Double, _ mean: Double, _ ticks: Int) -> Double {
        let excess = now - mean
        guard excess > least else { return 0 }
        let usual = max(mean, 1)
        let statistic = excess * excess / usual
        // Counts of connections vary more than Poisson's: an excess of eight deviations is 0.7.
        return ScoreScale.score(statistic.squareRoot() / 8 - 1 + ScoreScale.middle)
    }

    private static func key(_ edge: Edge, _ scope: Scope) -> UInt64 {
        switch scope {
        case .edge: mixed(edge.identity) ^ mixed(edge.tunnel &+ 0x9e37_79b9_7f4a_7c15)
        case .identity: edge.identity
        case .tunnel: edge.tunnel
        }
    }

    private mutating func advance(to time: Double) {
        guard time.isFinite, abs(time) <= Bounds.moments.upperBound else { return }
        guard ticks > 0 else {
            start = time
            ticks = 1
            return
        }
        let passed = ((time - start) / tick).rounded(.down)
        guard passed >= 1 else { return }
        start += passed * tick
        let factor = Float(pow(Double(Self.decay), min(passed, 64)))
        for index in present.indices { present[index].decay(by: factor) }
        ticks += Int(min(passed, 1e6))
        if ticks > 100_000 { forgetHalf() }
    }

    /// The past counts half, so that it follows what changes over days.
    private mutating func forgetHalf() {
        let kept = 10_000
        let factor = Float(kept) / Float(ticks)
        for index in past.indices { past[index].decay(by: factor) }
        ticks = kept
    }
}
