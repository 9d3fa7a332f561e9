public import DTMCore

/// Who connects to what, connection by connection: bursts of one client, and clients that call by the clock.
///
/// A bounded value. Everything is learnt from connections that a tunnel accepted; those that it turned away are the rules'
/// (`handshake.burst`).
struct ConnectionWatch: Sendable {
    /// The worst of a pair within a step.
    private struct Worst {
        var burst: EdgeBurstDetector.Burst?
        var beacon: BeaconDetector.Beacon?
    }
    private struct Pair: Hashable {
        var identity: String
        var tunnel: String
    }
    private static let maximumPairs = 1_024

    private var bursts: EdgeBurstDetector
    private var beacons = BeaconDetector()
    private var worst: [Pair: Worst] = [:]

    /// - Parameter seed: random: who knows it could find an identity that shares a cell with another.
    init(seed: UInt64) { bursts = EdgeBurstDetector(seed: seed) }

    mutating func take(_ connection: AcceptedConnection) {
        let time = connection.time.wholeSeconds
        let (identity, tunnel) = (Self.hash(connection.identity), Self.hash(connection.tunnel))
        let burst = bursts.observe(.init(identity: identity, tunnel: tunnel, time: time))
        let beacon = beacons.observe(peer: identity, tunnel: tunnel, time: time)
        guard burst.score >= SeriesDetector.threshold || beacon.score >= SeriesDetector.threshold else { return }
        let pair = Pair(identity: connection.identity, tunnel: connection.tunnel)
        guard worst[pair] != nil || worst.count < Self.maximumPairs else { return }
        var known = worst[pair] ?? Worst()
        if burst.score >= max(SeriesDetector.threshold, known.burst?.score ?? 0) { known.burst = burst }
        if beacon.score >= max(SeriesDetector.threshold, known.beacon?.score ?? 0) { known.beacon = beacon }
        worst[pair] = known
    }

    /// What was worth attention since the last step.
    ///
    /// - Parameters:
    ///   - apps: The applications behind tunnels.
    ///   - fresh: Tunnels whose application was started anew lately: all its clients come back at once.
    mutating func judge(apps: [String: String], fresh: Set<String>, at now: Timestamp) -> [Sighting] {
        defer { worst = [:] }
        var sightings: [Sighting] = []
        for (pair, worst) in worst.sorted(by: { ($0.key.tunnel, $0.key.identity) < ($1.key.tunnel, $1.key.identity) }) {
            func sighting(_ kind: DetectionKind, _ subject: ResponseSubject, _ evidence: [String]) -> Sighting {
                Sighting(
                    code: kind.code, time: now, subject: subject, tunnel: pair.tunnel, app: apps[pair.tunnel],
                    risk: kind.facts.risk, confidence: kind.facts.confidence, title: kind.facts.title,
                    evidence: evidence, source: .detector)
            }
            if let burst = worst.burst, !fresh.contains(pair.tunnel) {
                let subject: ResponseSubject = burst.scope == .tunnel ? .tunnel(pair.tunnel) : .identity(pair.identity)
                sightings.append(sighting(.burst, subject, burst.words(pair.identity)))
            }
            if let beacon = worst.beacon {
                sightings.append(sighting(.beacon, .identity(pair.identity), beacon.words(pair.identity)))
            }
        }
        return sightings
    }

    /// FNV-1a; the detectors mix it with their seed.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

/// One connection that a tunnel accepted.
public struct AcceptedConnection: Hashable, Sendable {
    /// The client's SPIFFE ID.
    public var identity: String
    /// The tunnel's name.
    public var tunnel: String
    public var time: Timestamp

    public init(identity: String, tunnel: String, time: Timestamp) {
        self.identity = identity
        self.tunnel = tunnel
        self.time = time
    }
}

extension EdgeBurstDetector.Burst {
    fileprivate func words(_ identity: String) -> [String] {
        let whose = scope == .tunnel ? "all clients together" : "identity \(identity)"
        return [
            "\(Amount.number(observed)) connections within about 20 s, usually \(Amount.number(expected))", whose,
        ]
    }
}

extension BeaconDetector.Beacon {
    fileprivate func words(_ identity: String) -> [String] {
        [
            "every \(Amount.number(interval)) s, within \(Amount.number(deviation)) s, \(calls) times",
            "of the tunnel's clients \(Amount.number(prevalence * 100)) % call as regularly", "identity \(identity)",
        ]
    }
}
