import DTMCore

/// The manager's own processes and program.
struct ManagerRule: FindingRule {
    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        switch event.kind {
        case Event.Kind.executableChanged: return [Sighting(.managerChanged, event, subject: .host)]
        case Event.Kind.executableReplaced: return [Sighting(.managerReplaced, event, subject: .host)]
        case Event.Kind.protectionLost:
            guard event.detail["silent"] == .boolean(true) else {
                return [Sighting(.protectionLost, event, subject: .host)]
            }
            // A host that is out of breath shows the same.
            return [Sighting(.protectionLost, event, risk: 55, confidence: 0.5, subject: .host)]
        default: return []
        }
    }
}

/// The sealed state and the configuration in it.
struct StateRule: FindingRule {
    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        switch event.kind {
        // Without a code it tells that the files are whole again.
        case Event.Kind.stateDamaged where event.detail["code"] != nil:
            [Sighting(.stateDamaged, event, subject: .host)]
        case Event.Kind.stateWitnessMissing: [Sighting(.stateWitnessMissing, event, subject: .host)]
        case Event.Kind.configurationWeakened: [Sighting(.configurationWeakened, event, subject: .host)]
        default: []
        }
    }
}

/// Callers who keep asking for what they may not have.
struct RefusalRule: FindingRule {
    static let few: UInt64 = 5
    static let many: UInt64 = 20
    private var refusals = SlidingCount(window: .seconds(60))
    private var guesses = SlidingCount(window: .seconds(600))

    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        guard let uid = event.uid else { return [] }
        switch event.kind {
        case Event.Kind.apiRefused:
            let count = refusals.add("\(uid)", count: event.count, at: event.time)
            guard count >= Self.few else { return [] }
            return [
                Sighting(
                    .apiRefused, event, risk: count >= Self.many ? 65 : 45, confidence: count >= Self.many ? 0.8 : 0.7,
                    notes: ["\(count) refusals in one minute"])
            ]
        case Event.Kind.operatorRefused:
            let count = guesses.add("\(uid)", at: event.time)
            guard count >= 3 else { return [] }
            return [
                Sighting(
                    .operatorRefused, event, risk: count >= 10 ? 80 : 60, confidence: count >= 10 ? 0.8 : 0.6,
                    notes: ["\(count) wrong passphrases in ten minutes"])
            ]
        default: return []
        }
    }
}

/// The wall clock, as far as somebody sets it by more than a correction.
struct ClockRule: FindingRule {
    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting] {
        guard event.kind == Event.Kind.clockStepped, case .double(let seconds)? = event.detail["seconds"] else {
            return []
        }
        let risk = abs(seconds) < 120 ? 15 : abs(seconds) < 3_600 ? 30 : 45
        return [Sighting(.clockJumped, event, risk: risk, subject: .host)]
    }
}
