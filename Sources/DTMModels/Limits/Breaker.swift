import DTMCore

/// Leaves a model alone that fails again and again: after three failed consultations for five minutes, then one is let
/// through, which decides.
struct Breaker: Hashable, Sendable {
    static let tolerated = 3
    static let pause = Duration.seconds(300)

    private(set) var failures = 0
    private var openUntil: Timestamp?

    enum State: Hashable, Sendable {
        case closed, open, halfOpen
    }

    func state(at now: Timestamp) -> State {
        guard let openUntil else { return .closed }
        return now < openUntil ? .open : .halfOpen
    }

    mutating func succeed() {
        failures = 0
        openUntil = nil
    }

    mutating func fail(at now: Timestamp) {
        failures = min(failures + 1, 1_000_000)
        if failures >= Self.tolerated { openUntil = now + Self.pause }
    }
}
