import DTMCore

/// Who comes to an endpoint, a decoy or a live one, and is not let in.
struct EndpointRule: FindingRule {
    /// From how many touches in a minute a user's own client that died in its handshake explains nothing any more.
    static let innocentTouches: UInt64 = 2
    private var touches = SlidingCount(window: .seconds(60))

    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        switch event.kind {
        case Event.Kind.decoyTouched: touched(event, world)
        case Event.Kind.handshakeFailed: event.text("cause").map { Self.refused(event, $0, world) } ?? []
        case Event.Kind.connectionRefused: event.text("cause").map { Self.refused(event, $0, world) } ?? []
        default: []
        }
    }

    private mutating func touched(_ event: Event, _ world: KnownWorld) -> [Sighting] {
        // The rest of a flood, whose beginning was told one by one.
        guard event.detail["local"] != nil else { return [] }
        let cause = event.text("cause")
        if let cause, let sighting = Self.certificate(event, cause, world) { return [sighting] }
        let isStale = world.wasLive(event.text("local"), of: event.tunnel)
        let kind: FindingKind = isStale ? .endpointStale : .decoyTouched
        let key = "\(event.tunnel ?? "") \(event.uid.map(String.init) ?? "?")"
        let count = touches.add(key, count: event.count, at: event.time)
        let mayBeClient = cause == "gone" && world.isClient(event.uid, of: event.tunnel)
        guard mayBeClient, count <= Self.innocentTouches else { return [Sighting(kind, event)] }
        return [
            Sighting(
                kind, event, risk: 45, confidence: 0.4,
                notes: ["it said nothing, and the user is a client of the tunnel: it may have died in its handshake"])
        ]
    }

    private static func refused(_ event: Event, _ cause: String, _ world: KnownWorld) -> [Sighting] {
        if let sighting = certificate(event, cause, world) { return [sighting] }
        let isClient = world.isClient(event.uid, of: event.tunnel)
        switch cause {
        case "gone": return isClient ? [] : [Sighting(.endpointProbed, event, risk: 45, confidence: 0.6)]
        case "timeout", "other", "resumed":
            return [Sighting(.endpointProbed, event, risk: isClient ? 20 : 45, confidence: 0.5)]
        default: return [Sighting(.endpointProbed, event)]
        }
    }

    /// A certificate that is not good says more than where it was shown.
    private static func certificate(_ event: Event, _ cause: String, _ world: KnownWorld) -> Sighting? {
        switch cause {
        case "foreign":
            guard world.isInRestartGrace(event.time) else { return Sighting(.certificateForeign, event) }
            return Sighting(
                .certificateForeign, event, risk: 40, confidence: 0.4,
                notes: ["the manager began anew a moment ago: it may be an identity of before"])
        case "expired", "not_yet_valid": return late(.certificateExpired, event, world)
        case "retired": return late(.certificateRetired, event, world)
        case "revoked": return Sighting(.certificateRevoked, event)
        case "other_tunnel": return Sighting(.certificateOtherTunnel, event)
        default: return nil
        }
    }
}

extension EndpointRule {
    /// A client of the tunnel that was away for long is the likeliest to come with a certificate of then.
    private static func late(_ kind: FindingKind, _ event: Event, _ world: KnownWorld) -> Sighting {
        guard world.isClient(event.uid, of: event.tunnel) else { return Sighting(kind, event) }
        return Sighting(kind, event, risk: 30, confidence: 0.5, notes: ["the user is a client of the tunnel"])
    }
}

/// Many failed handshakes at one tunnel in a minute, those left out that have an innocent explanation.
struct HandshakeBurstRule: FindingRule {
    static let limit: UInt64 = 20
    private var failures = SlidingCount(window: .seconds(60))

    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        guard event.kind == Event.Kind.handshakeFailed, let tunnel = event.tunnel else { return [] }
        let cause = event.text("cause")
        if cause == "gone", world.isClient(event.uid, of: tunnel) { return [] }
        if cause == "foreign" || cause == "other" || cause == nil, world.isInRestartGrace(event.time) { return [] }
        let count = failures.add(tunnel, count: event.count, at: event.time)
        guard count >= Self.limit else { return [] }
        return [
            Sighting(
                .handshakeBurst, event, subject: .tunnel(tunnel), notes: ["\(count) failed handshakes in one minute"])
        ]
    }
}
