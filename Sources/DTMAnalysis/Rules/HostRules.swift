import DTMCore

/// Listeners that change hands, and programs that change under those that run.
struct ListenerRule: FindingRule {
    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        switch event.kind {
        case Event.Kind.listenerTakenOver: [takenOver(event, world)]
        case Event.Kind.applicationExecutableChanged:
            [Sighting(.applicationChanged, event, subject: event.app.map { .application($0) })]
        default: []
        }
    }

    private func takenOver(_ event: Event, _ world: KnownWorld) -> Sighting {
        let differences = event.list("differences")
        // A server that gives up its rights once it listens stays the same process.
        guard differences.contains("process") else {
            return Sighting(
                .listenerTakenOver, event, risk: 20, confidence: 0.5, notes: ["it is the same process"])
        }
        guard differences.contains("user") else {
            return Sighting(
                .listenerTakenOver, event, risk: 45, confidence: 0.6, notes: ["another program of the same user"])
        }
        let isFronted = world.isFronted(app: event.app, port: event.integer("port"))
        return Sighting(
            .listenerTakenOver, event, risk: isFronted ? 80 : 55, confidence: isFronted ? 0.8 : 0.6,
            notes: [isFronted ? "a program of another user, behind a tunnel" : "a program of another user"])
    }
}

/// Something else where the tunnel should be.
struct SquatterRule: FindingRule {
    /// How many different endpoints in ten minutes are no accident.
    static let manyPlaces: UInt64 = 5
    private var taken = SlidingCount(window: .seconds(600))
    private var lastTaken: [String: String] = [:]

    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        switch event.kind {
        case Event.Kind.squatterFound:
            // A client tries all candidates of the schedule; at those that the tunnel never had, others may well be.
            let wasOurs = world.wasLive(event.text("endpoint"), of: event.tunnel)
            return [
                Sighting(
                    .portSquatted, event, risk: wasOurs ? 80 : 45, confidence: wasOurs ? 0.8 : 0.5,
                    subject: event.tunnel.map { .tunnel($0) },
                    notes: [wasOurs ? "an endpoint that the tunnel had" : "a candidate of the schedule"])
            ]
        case Event.Kind.tunnelEndpointTaken: return takenPlaces(event)
        default: return []
        }
    }

    private mutating func takenPlaces(_ event: Event) -> [Sighting] {
        guard let tunnel = event.tunnel, let place = event.text("local"), lastTaken[tunnel] != place else { return [] }
        if lastTaken.count >= 1_024 { lastTaken = [:] }
        lastTaken[tunnel] = place
        let count = taken.add(tunnel, at: event.time)
        guard count >= Self.manyPlaces else { return [] }
        return [
            Sighting(
                .portSquatted, event, risk: 60, confidence: 0.6, subject: .tunnel(tunnel),
                notes: ["\(count) scheduled endpoints were held by others within ten minutes"])
        ]
    }
}

/// The application is used directly although a tunnel stands before it.
struct BypassRule: FindingRule {
    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        guard event.kind == Event.Kind.tunnelBypassed else { return [] }
        return [
            event.uid == nil
                ? Sighting(.tunnelBypassed, event, risk: 45, confidence: 0.7, subject: event.tunnel.map { .tunnel($0) })
                : Sighting(.tunnelBypassed, event)
        ]
    }
}
