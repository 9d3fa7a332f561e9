import DTMCore

/// Who uses which identity.
struct IdentityRule: FindingRule {
    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        switch event.kind {
        case Event.Kind.identityMisused:
            return [Sighting(.identityMisused, event, subject: event.identity.map { .identity($0) })]
        case Event.Kind.connectionOpened: return first(event, world)
        default: return []
        }
    }

    /// The first connection of a program, once there was time to see those that belong there.
    private func first(_ event: Event, _ world: KnownWorld) -> [Sighting] {
        guard let tunnel = event.tunnel, let uid = event.uid, !world.isLearning(tunnel, at: event.time),
            !world.knows(.init(uid: uid, executable: event.executable), of: tunnel)
        else { return [] }
        let isNewUser = world.tunnels[tunnel].map { !$0.programs.contains { $0.uid == uid } } ?? true
        return [
            Sighting(
                .identityNew, event, risk: isNewUser ? 35 : 20, confidence: isNewUser ? 0.6 : 0.5,
                notes: isNewUser ? ["the first connection of this user"] : [])
        ]
    }
}

/// Callers of a connector whom the policy does not let in.
struct ProgramRule: FindingRule {
    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        event.kind == Event.Kind.programRefused ? [Sighting(.programRefused, event)] : []
    }
}
