import DTMCore
import DTMSecrets
import DTMTunnel

/// All listeners of one tunnel over time, as the data plane's own decisions place them: ``RotationMachine`` and
/// ``DecoyField`` on a clock of ours, with a kernel that grants every endpoint that is free.
struct ListenerField: ~Copyable {
    private var dice: Dice
    private var now = Timestamp(seconds: 1_760_000_003)
    private var machine: RotationMachine
    private var field: DecoyField
    private let schedule: EndpointSchedule
    private let key: SecretBytes
    private(set) var decoys: [DecoyToken: Endpoint] = [:]

    init(seed: UInt64, decoys: Int, timing: RotationTiming, schedule: EndpointSchedule) throws {
        dice = Dice(seed: seed)
        machine = RotationMachine(timing: timing, generation: 0)
        field = DecoyField(timing: timing, schedule: schedule)
        self.schedule = schedule
        var keyDice = Dice(seed: ~seed)
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &keyDice) }
        key = try SecretBytes(count: 32) { $0.copyBytes(from: bytes) }
        deliver(.wanted(.init(decoys: decoys)))
        deliver(.start)
        rotate(.start)
    }

    /// Those that serve: live, and overlaps.
    var real: Int { machine.listeners.count { $0.role != .decoy } }
    /// All that an attacker sees.
    var all: Int { machine.listeners.count + decoys.count }
    /// Where those are that serve.
    var realPlaces: [Endpoint] { machine.listeners.filter { $0.role != .decoy }.map(\.endpoint) }

    mutating func advance(by duration: Duration) {
        let end = now + duration
        while true {
            let (decoysDue, rotationDue) = (field.nextDeadline ?? end, machine.nextDeadline ?? end)
            let due = min(decoysDue, rotationDue)
            guard due < end else { break }
            now = max(now, due)
            if rotationDue <= decoysDue { rotate(.tick) } else { deliver(.tick) }
        }
        now = end
        deliver(.tick)
        rotate(.tick)
    }

    private mutating func deliver(_ input: DecoyField.Input) {
        var inputs = [input]
        while !inputs.isEmpty {
            for action in field.handle(inputs.removeFirst(), now: now, using: &dice) {
                switch action {
                case .open(let token, let endpoint):
                    decoys[token] = endpoint
                    inputs.append(.opened(token))
                case .close(let token): decoys[token] = nil
                }
            }
        }
    }

    private mutating func rotate(_ input: RotationMachine.Input) {
        var inputs = [input]
        while !inputs.isEmpty {
            for action in machine.handle(inputs.removeFirst(), now: now, using: &dice) {
                switch action {
                case .open(let token, let turn, let candidate):
                    // The schedule's own; one key for all windows, which changes nothing in how it is spread.
                    guard let place = schedule.candidate(Int(candidate), turn: turn, windowKey: key) else { continue }
                    inputs.append(.opened(token, place, candidate: candidate))
                case .handshake(let token): inputs.append(.handshakeSucceeded(token))
                case .close, .setRole, .flip, .reportFailure: break
                }
            }
        }
    }
}
