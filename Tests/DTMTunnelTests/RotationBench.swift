import DTMTestSupport
import DTMCore

@testable import DTMTunnel

/// A machine on a bench: time stands still unless a test moves it, and opens and handshakes succeed unless a test says
/// not.
struct RotationBench {
    typealias Input = RotationMachine.Input
    typealias Action = RotationMachine.Action

    var machine: RotationMachine
    var now: Timestamp
    var generator: SeededGenerator
    /// Everything that the machine asked for, in order.
    var actions: [Action] = []
    private var nextPort: UInt16 = 1_000

    /// Starts on the first moment of an epoch of 10 s.
    init(
        interval: UInt32 = 10_000, overlap: UInt32 = 2_000, seed: UInt64 = 1, limits: RotationLimits = RotationLimits()
    ) {
        machine = RotationMachine(
            timing: RotationTiming(intervalMilliseconds: interval, overlapMilliseconds: overlap), generation: 0,
            limits: limits)
        now = Timestamp(seconds: 1_760_000_000)
        generator = SeededGenerator(seed: seed)
    }

    @discardableResult
    mutating func send(_ input: Input) -> [Action] {
        let result = machine.handle(input, now: now, using: &generator)
        actions += result
        return result
    }

    /// Gives an input and answers what follows from it with success, until nothing is left to answer.
    mutating func run(_ input: Input) {
        var waiting = [input]
        while !waiting.isEmpty {
            for action in send(waiting.removeFirst()) {
                if let answer = answer(to: action) { waiting.append(answer) }
            }
        }
    }

    /// Moves time from deadline to deadline, all going well.
    mutating func run(for duration: Duration) {
        let end = now + duration
        while let deadline = machine.nextDeadline, deadline <= end {
            now = max(now, deadline)
            run(.tick)
        }
        now = end
        run(.tick)
    }

    /// Starts, and waits for the first endpoint.
    mutating func begin() {
        run(.start)
        actions = []
    }

    mutating func opened(_ token: ListenerToken, candidate: UInt32 = 0) -> Input {
        nextPort += 1
        return .opened(token, Endpoint(address: .v4(0x7f00_0001), port: nextPort), candidate: candidate)
    }

    private mutating func answer(to action: Action) -> Input? {
        switch action {
        case .open(let token, _, let candidate): opened(token, candidate: candidate)
        case .handshake(let token): .handshakeSucceeded(token)
        default: nil
        }
    }
}

extension RotationBench {
    var flips: [RotationMachine.Flip] {
        actions.compactMap { if case .flip(let flip) = $0 { flip } else { nil } }
    }

    var opens: [(token: ListenerToken, turn: ScheduleTurn, candidate: UInt32)] {
        actions.compactMap {
            if case .open(let token, let turn, let candidate) = $0 { (token, turn, candidate) } else { nil }
        }
    }

    var failures: [RotationStep] {
        actions.compactMap { if case .reportFailure(_, let step, _) = $0 { step } else { nil } }
    }

    var handshakes: [ListenerToken] {
        actions.compactMap { if case .handshake(let token) = $0 { token } else { nil } }
    }

    var roles: [ListenerRole] { machine.listeners.map(\.role) }

    var epoch: UInt64 { ScheduleTime.epoch(at: now, intervalMilliseconds: machine.timing.intervalMilliseconds) }
}
