/// What could be set otherwise, and what speaks for it.
public struct Recommendation: Hashable, Sendable {
    /// The rule, dotted: `pool.connections`.
    public var code: String
    public var advice: String
    /// The numbers that it rests on.
    public var evidence: String

    public init(code: String, advice: String, evidence: String) {
        self.code = code
        self.advice = advice
        self.evidence = evidence
    }
}

/// What is known of a tunnel besides its traffic, for recommendations.
public struct TunnelFacts: Hashable, Sendable {
    /// The most connections that the manager serves.
    public var maximumConnections: Double?
    /// Seconds; nil or 0: none.
    public var idleTimeoutSeconds: Double?
    public var intervalSeconds: Double?
    public var overlapSeconds: Double?
    /// How long it took to reach the target, 99 of 100, in milliseconds.
    public var targetConnectP99Milliseconds: Double?
    /// How long handshakes took, 99 of 100, in milliseconds.
    public var handshakeP99Milliseconds: Double?
    /// Rotations that failed.
    public var rotationFailures: UInt64 = 0

    public init() {}
}

/// Recommends on performance, each with its evidence. Pure; silence means that nothing speaks for a change.
public enum PerformanceAdvisor {
    /// What speaks for a change, by the figures that are known.
    public static func recommendations(for profile: SubjectProfile, facts: TunnelFacts?) -> [Recommendation] {
        let known = profile.series.mapValues(\.history)
        return [
            pool(known), limit(known, facts), idle(known, facts), bottleneck(known, facts), overlap(known, facts),
            buffers(known), leak(known), processor(known), failures(known),
        ].compactMap(\.self)
    }

    private typealias Histories = [Metric: MetricHistory]

    private static func pool(_ known: Histories) -> Recommendation? {
        guard let opened = known[.opened]?.mean(ofSeconds: 120), let duration = known[.duration]?.mean(ofSeconds: 120),
            opened >= 5, duration < 1
        else { return nil }
        let needed = max(1, (opened * duration).rounded(.up))
        return Recommendation(
            code: "pool.connections",
            advice:
                "Let the client keep a pool of about \(Amount.number(max(4, 2 * needed))) connections: each new one costs a handshake.",
            evidence:
                "\(Amount.number(opened)) new connections a second that last \(Amount.number(duration * 1_000)) ms, "
                + "\(Amount.number(needed)) at a time")
    }

    private static func limit(_ known: Histories, _ facts: TunnelFacts?) -> Recommendation? {
        guard let maximum = facts?.maximumConnections, maximum > 0,
            let peak = (known[.active].map { $0.recentSeconds + $0.recentMinutes } ?? []).max(),
            Double(peak) >= 0.8 * maximum
        else { return nil }
        return Recommendation(
            code: "limit.connections",
            advice: "Raise limits.connections, or find out why so many stay open: beyond it clients are turned away.",
            evidence: "\(Amount.number(Double(peak))) were open of at most \(Amount.number(maximum))")
    }

    private static func idle(_ known: Histories, _ facts: TunnelFacts?) -> Recommendation? {
        guard facts?.idleTimeoutSeconds ?? 0 == 0, let active = known[.active]?.recentMinutes, active.count >= 60,
            let least = active.min(), least >= 50,
            let bytes = known[.bytesOut]?.mean(ofSeconds: 120), bytes < 1_024
        else { return nil }
        return Recommendation(
            code: "timeout.idle", advice: "Set timeouts.idleSeconds: connections stay open that carry nothing.",
            evidence: "never fewer than \(Amount.number(Double(least))) open within \(active.count) minutes, at "
                + "\(Amount.bytes(bytes))/s")
    }

    private static func bottleneck(_ known: Histories, _ facts: TunnelFacts?) -> Recommendation? {
        guard let target = facts?.targetConnectP99Milliseconds, target >= 20,
            target > 2 * (facts?.handshakeP99Milliseconds ?? 0)
        else { return nil }
        return Recommendation(
            code: "target.slow",
            advice: "Look at the application: it is slower to accept a connection than the tunnel is to secure one.",
            evidence: "99 of 100 connections to the target within \(Amount.number(target)) ms, handshakes within "
                + "\(Amount.number(facts?.handshakeP99Milliseconds ?? 0)) ms")
    }

    private static func overlap(_ known: Histories, _ facts: TunnelFacts?) -> Recommendation? {
        guard let handshake = facts?.handshakeP99Milliseconds, let overlap = facts?.overlapSeconds,
            handshake / 1_000 > overlap / 2, overlap > 0
        else { return nil }
        return Recommendation(
            code: "rotation.overlap",
            advice:
                "Raise rotation.overlapSeconds: a slow client may still be at the handshake when its endpoint retires.",
            evidence:
                "99 of 100 handshakes within \(Amount.number(handshake)) ms, and an overlap of \(Amount.number(overlap)) s"
        )
    }

    private static func buffers(_ known: Histories) -> Recommendation? {
        guard let inward = known[.bytesIn]?.mean(ofSeconds: 60), let outward = known[.bytesOut]?.mean(ofSeconds: 60),
            let active = known[.active]?.latest, active >= 1, (inward + outward) / active >= 200 * 1_048_576
        else { return nil }
        return Recommendation(
            code: "buffers.socket",
            advice:
                "Over a network, see net.ipv4.tcp_rmem and tcp_wmem: few connections carry much, and each needs room for its round trip.",
            evidence: "\(Amount.bytes(inward + outward))/s over \(Amount.number(active)) connections")
    }

    /// Every quarter of the time more than the one before, and a half more at the end.
    private static func leak(_ known: Histories) -> Recommendation? {
        for metric in [Metric.memory, .descriptors, .threads] {
            guard let minutes = known[metric]?.recentMinutes, minutes.count >= 120 else { continue }
            let quarter = minutes.count / 4
            let means = (0..<4).map { part in
                Double(minutes[(part * quarter)..<((part + 1) * quarter)].reduce(0, +)) / Double(quarter)
            }
            guard zip(means, means.dropFirst()).allSatisfy({ $0 < $1 }), means[3] > 1.5 * means[0],
                means[3] - means[0] >= metric.leastDifference
            else { continue }
            return Recommendation(
                code: "leak.\(metric.rawValue)",
                advice: "Look for a leak in the application: \(metric.words) grow and never shrink.",
                evidence: "from \(Amount.text(means[0], metric)) to \(Amount.text(means[3], metric)) within "
                    + "\(minutes.count) minutes")
        }
        return nil
    }

    private static func processor(_ known: Histories) -> Recommendation? {
        guard let cpu = known[.cpu]?.mean(ofSeconds: 120), cpu >= 90, known[.cpu]?.recentSeconds.count ?? 0 >= 60 else {
            return nil
        }
        return Recommendation(
            code: "target.processor",
            advice:
                "The application is the bottleneck: it keeps a core busy. More of its processes, or a faster way, would help.",
            evidence: "\(Amount.number(cpu)) % of a core over the last two minutes")
    }

    private static func failures(_ known: Histories) -> Recommendation? {
        guard let failed = known[.failed]?.mean(ofSeconds: 120), failed > 0 else { return nil }
        let opened = known[.opened]?.mean(ofSeconds: 120) ?? 0
        return Recommendation(
            code: "target.unreachable",
            advice:
                "See whether the application accepts connections: clients are let in, and then it can't be reached.",
            evidence: "\(Amount.number(failed * 60)) a minute of \(Amount.number((opened + failed) * 60))")
    }
}
