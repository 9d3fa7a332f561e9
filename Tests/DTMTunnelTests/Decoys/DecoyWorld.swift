import DTMCore
import DTMTestSupport

@testable import DTMTunnel

/// A field of decoys, a rotation beside it when one is wanted, and a kernel that answers them at once, badly at times.
struct DecoyWorld {
    /// A listener that has come and gone.
    struct Life {
        var born: Timestamp
        var died: Timestamp
    }

    /// How often an open goes wrong, of a hundred.
    struct Trouble {
        var taken = 0
        var system = 0
        var unanswered = 0
    }

    static let timing = RotationTiming(intervalMilliseconds: 10_000, overlapMilliseconds: 2_000)

    var generator: SeededGenerator
    var trouble = Trouble()
    private(set) var now: Timestamp
    private(set) var field: DecoyField
    private(set) var machine: RotationMachine?
    /// Where decoys are.
    private(set) var decoys: [DecoyToken: Endpoint] = [:]
    private(set) var drawn: [Endpoint] = []
    /// Those of the field, and those of the rotation, that have closed.
    private(set) var lives: [Life] = []
    private(set) var rotationLives: [Life] = []
    /// The fewest that listened since ``watch()``.
    private(set) var fewest = Int.max
    private(set) var most = 0
    private(set) var failures = 0
    private var births: [DecoyToken: Timestamp] = [:]
    private var rotationBirths: [ListenerToken: Timestamp] = [:]
    private var addresses: UInt32 = 0

    init(seed: UInt64, decoys: Int, rotates: Bool = false, schedule: EndpointSchedule) {
        generator = SeededGenerator(seed: seed)
        now = Timestamp(seconds: 1_760_000_003)
        field = DecoyField(timing: Self.timing, schedule: schedule)
        machine = rotates ? RotationMachine(timing: Self.timing, generation: 0) : nil
        deliver(.wanted(.init(decoys: decoys)))
        deliver(.start)
        if rotates { rotate(.start) }
    }

    /// Counts the fewest and the most from now on.
    mutating func watch() { (fewest, most) = (decoys.count, decoys.count) }

    mutating func advance(by duration: Duration) {
        let end = now + duration
        while true {
            let decoysDue = field.nextDeadline ?? end
            let rotationDue = machine?.nextDeadline ?? end
            let due = min(decoysDue, rotationDue)
            guard due < end else { break }
            now = max(now, due)
            if rotationDue <= decoysDue { rotate(.tick) } else { deliver(.tick) }
        }
        now = end
        deliver(.tick)
        rotate(.tick)
    }

    mutating func deliver(_ input: DecoyField.Input) {
        var inputs = [input]
        while !inputs.isEmpty {
            for action in field.handle(inputs.removeFirst(), now: now, using: &generator) {
                switch action {
                case .open(let token, let endpoint): inputs += open(token, endpoint)
                case .close(let token):
                    decoys[token] = nil
                    if let born = births.removeValue(forKey: token) { lives.append(Life(born: born, died: now)) }
                }
            }
            fewest = min(fewest, decoys.count)
            most = max(most, decoys.count)
        }
    }

    private mutating func open(_ token: DecoyToken, _ endpoint: Endpoint) -> [DecoyField.Input] {
        let luck = Int.random(in: 0..<100, using: &generator)
        if luck < trouble.taken + trouble.system + trouble.unanswered { failures += 1 }
        switch luck {
        case ..<trouble.taken: return [.openFailed(token, .taken)]
        case ..<(trouble.taken + trouble.system): return [.openFailed(token, .system)]
        case ..<(trouble.taken + trouble.system + trouble.unanswered): return []
        default:
            guard !decoys.values.contains(endpoint) else { return [.openFailed(token, .taken)] }
            decoys[token] = endpoint
            drawn.append(endpoint)
            births[token] = now
            return [.opened(token)]
        }
    }

    private mutating func rotate(_ input: RotationMachine.Input) {
        guard machine != nil else { return }
        var inputs = [input]
        while !inputs.isEmpty {
            for action in machine?.handle(inputs.removeFirst(), now: now, using: &generator) ?? [] {
                switch action {
                case .open(let token, _, let candidate):
                    addresses += 1
                    rotationBirths[token] = now
                    let endpoint = Endpoint(address: .v4(0x7f00_0100 + addresses), port: 5_001)
                    inputs.append(.opened(token, endpoint, candidate: candidate))
                case .handshake(let token): inputs.append(.handshakeSucceeded(token))
                case .close(let token):
                    guard let born = rotationBirths.removeValue(forKey: token) else { break }
                    rotationLives.append(Life(born: born, died: now))
                case .setRole, .flip, .reportFailure: break
                }
            }
        }
    }
}

extension DecoyWorld.Life {
    var seconds: Double { (died - born).inSeconds }

    /// Where in its epoch it was born, 0 to 1.
    var phase: Double { Self.phase(born) }
    var lastPhase: Double { Self.phase(died) }

    private static func phase(_ moment: Timestamp) -> Double {
        let interval = Int64(DecoyWorld.timing.intervalMilliseconds) * 1_000_000
        return Double(moment.nanoseconds % interval) / Double(interval)
    }
}

/// Whether samples can be of one distribution, at a level of one in ten thousand.
enum Distribution {
    /// The largest distance of two empirical distributions (Kolmogorov–Smirnov), and the bound on it.
    static func distance(_ first: [Double], _ second: [Double]) -> (distance: Double, bound: Double) {
        let (a, b) = (first.sorted(), second.sorted())
        var (i, j, largest) = (0, 0, 0.0)
        while i < a.count, j < b.count {
            let value = min(a[i], b[j])
            while i < a.count, a[i] <= value { i += 1 }
            while j < b.count, b[j] <= value { j += 1 }
            largest = max(largest, abs(Double(i) / Double(a.count) - Double(j) / Double(b.count)))
        }
        let (n, m) = (Double(a.count), Double(b.count))
        // sqrt(−ln(α / 2) / 2) for α = 10⁻⁴.
        return (largest, 2.2253 * ((n + m) / (n * m)).squareRoot())
    }

    /// Pearson's statistic of counts that should be equal.
    static func chiSquare(_ counts: [Int]) -> Double {
        let expected = Double(counts.reduce(0, +)) / Double(counts.count)
        return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }

    /// What Pearson's statistic of 16 classes stays below (15 degrees of freedom, α = 10⁻⁴).
    static let bound16 = 44.26
}
