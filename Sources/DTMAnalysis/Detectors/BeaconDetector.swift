import Glibc

/// Whether a peer calls as a machine does: at regular intervals, often, for long, and alone in that. Regularity by itself is no reason, since health
/// checks, monitors and cron jobs are regular: what most peers of a tunnel do is usual there.
///
/// Intervals are judged as RITA does (Active Countermeasures, "Real Intelligence Threat Analytics": skew and median absolute deviation of
/// the intervals), over the last 64 of a (peer, tunnel). Bounded: the pairs that called least recently are forgotten.
public struct BeaconDetector: Sendable {
    /// What is said about a pair.
    public struct Beacon: Hashable, Sendable {
        /// 0 to 1, from ``SeriesDetector/threshold`` on worth attention.
        public var score: Double
        /// Seconds between calls in the median, and by how much that varies (MAD).
        public var interval: Double
        public var deviation: Double
        /// Calls that were counted, and when they began.
        public var calls: Int
        public var since: Double
        /// The share of the tunnel's peers that are as regular, this one included.
        public var prevalence: Double
    }

    private struct Pair: Hashable, Sendable {
        var peer: UInt64
        var tunnel: UInt64
    }

    private struct Track: Sendable {
        var intervals: [Float] = []
        var next = 0
        var first: Double
        var last: Double
        var calls = 1
        var isRegular = false
        var used: UInt64
    }

    private struct TunnelCount: Sendable {
        var peers = 0
        var regular = 0
    }

    private static let kept = 64
    /// Fewer intervals prove nothing.
    private static let fewest = 12
    private let capacity: Int
    private var tracks: [Pair: Track] = [:]
    private var tunnels: [UInt64: TunnelCount] = [:]
    private var clock: UInt64 = 0

    /// - Parameter capacity: pairs that are remembered, 1 to 65,536.
    public init(capacity: Int = 4_096) { self.capacity = min(max(capacity, 1), 65_536) }

    /// How many pairs are remembered.
    public var count: Int { tracks.count }

    /// Counts a call of a peer to a tunnel. A time that lies before the last one counts as the same moment.
    public mutating func observe(peer: UInt64, tunnel: UInt64, time: Double) -> Beacon {
        let pair = Pair(peer: peer, tunnel: tunnel)
        clock += 1
        let moment = time.isFinite ? min(max(time, Bounds.moments.lowerBound), Bounds.moments.upperBound) : 0
        guard var track = tracks[pair] else {
            makeRoom()
            tracks[pair] = Track(first: moment, last: moment, used: clock)
            tunnels[tunnel, default: TunnelCount()].peers += 1
            return Beacon(score: 0, interval: 0, deviation: 0, calls: 1, since: moment, prevalence: 0)
        }
        Self.count(moment, in: &track)
        track.used = clock
        let beacon = judge(&track, tunnel)
        tracks[pair] = track
        return beacon
    }

    private static func count(_ moment: Double, in track: inout Track) {
        let interval = Float(max(0, moment - track.last))
        track.last = max(track.last, moment)
        track.calls = min(track.calls + 1, 1 << 40)
        // Calls at the same moment are one that needed several connections.
        guard interval >= 0.5 else { return }
        if track.intervals.count < kept {
            track.intervals.append(interval)
        } else {
            track.intervals[track.next] = interval
            track.next = (track.next + 1) % kept
        }
    }

    private mutating func judge(_ track: inout Track, _ tunnel: UInt64) -> Beacon {
        let (interval, deviation, skew) = Self.shape(track.intervals)
        let regularity = max(0, 1 - 4 * deviation / max(interval, 1e-9)) * (1 - min(1, abs(skew)))
        let isRegular = track.intervals.count >= Self.fewest && regularity >= 0.5
        if isRegular != track.isRegular {
            track.isRegular = isRegular
            tunnels[tunnel, default: TunnelCount()].regular += isRegular ? 1 : -1
        }
        let counts = tunnels[tunnel] ?? TunnelCount()
        let prevalence = counts.peers > 0 ? Double(counts.regular) / Double(counts.peers) : 0
        var beacon = Beacon(
            score: 0, interval: interval, deviation: deviation, calls: track.calls, since: track.first,
            prevalence: prevalence)
        guard isRegular else { return beacon }
        beacon.score = Self.score(regularity, track, prevalence, peers: counts.peers)
        return beacon
    }

    /// Each of the three has to speak for it: a product, not a sum.
    private static func score(_ regularity: Double, _ track: Track, _ prevalence: Double, peers: Int) -> Double {
        let amount = min(1, Double(track.intervals.count) / 48)
        // Among few peers nobody can be said to be alone in it.
        let company = Double(min(peers, 8)) / 8
        let rarity = company * max(0, 1 - 2 * prevalence)
        return (regularity * amount * rarity).squareRoot()
    }

    /// Median, median absolute deviation and Bowley's skewness.
    private static func shape(_ intervals: [Float]) -> (median: Double, deviation: Double, skew: Double) {
        guard intervals.count >= fewest else { return (0, 0, 0) }
        let sorted = intervals.sorted()
        let median = sorted[sorted.count / 2]
        let deviations = sorted.map { abs($0 - median) }.sorted()
        let (low, high) = (sorted[sorted.count / 4], sorted[sorted.count * 3 / 4])
        // Quartiles that hardly differ have no side: RITA's rule.
        let width = high - low
        let skew = width > 0.02 * median ? (low + high - 2 * median) / width : 0
        return (Double(median), Double(deviations[deviations.count / 2]), Double(skew))
    }

    /// Forgets an eighth at once, those that called least recently, so that this is rare.
    private mutating func makeRoom() {
        guard tracks.count >= capacity else { return }
        let oldest = tracks.map { ($0.value.used, $0.key) }.sorted { $0.0 < $1.0 }.prefix(max(1, capacity / 8))
        for (_, pair) in oldest {
            guard let track = tracks.removeValue(forKey: pair) else { continue }
            var counts = tunnels[pair.tunnel] ?? TunnelCount()
            counts.peers -= 1
            counts.regular -= track.isRegular ? 1 : 0
            tunnels[pair.tunnel] = counts.peers > 0 ? counts : nil
        }
    }
}
