import DTMTestSupport
import DTMCore

@testable import DTMTunnel

/// A driver and a kernel for one machine that do what a seed says: answer or not, fail, lose listeners, move time. It
/// holds the machine to its promises after each input, and collects what is broken.
struct RotationWorld {
    typealias Machine = RotationMachine

    struct Open {
        var endpoint: Endpoint
        var role = ListenerRole.decoy
        var hasShakenHands = false
        /// When the overlap ends, and never before.
        var overlapEnd: Timestamp?
    }

    /// An open that the world has not answered.
    struct Opening {
        var token: ListenerToken
        var candidate: UInt32
        /// From when on the machine no longer waits for it.
        var givenUpAt: Timestamp
    }

    private(set) var machine: Machine
    private(set) var now = Timestamp(seconds: 1_760_000_000)
    private(set) var generator: SeededGenerator
    private(set) var open: [ListenerToken: Open] = [:]
    private var openings: [Opening] = []
    private var handshakes: [ListenerToken] = []
    private var published: ListenerToken?
    private var generation: UInt32 = 0
    private var opens = 0
    private(set) var flips = 0
    private(set) var closed = 0
    private(set) var violations: [String] = []

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        let timing = Self.timing(using: &generator)
        machine = Machine(timing: timing, generation: 0)
        deliver(.start)
    }

    // MARK: What may happen

    /// One thing happens, good or bad.
    mutating func step() {
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<30: toDeadline()
        case 30..<40: advance(.milliseconds(Int64.random(in: 0...3_000, using: &generator)))
        case 40..<65: answerOpening()
        case 65..<85: answerHandshake()
        case 85..<89: force()
        case 89: deliver(.scheduleReplaced)
        case 90: deliver(.timing(Self.timing(using: &generator)))
        case 91..<93: deliver(Bool.random(using: &generator) ? .keyAvailable : .credentialAvailable)
        case 93: lose()
        case 94..<96: advance(.seconds(Bool.random(using: &generator) ? 3_600 : -3_600))
        case 96..<98: advance(.milliseconds(Int64.random(in: -500...0, using: &generator)))
        default: for _ in 0..<5 { force() }
        }
    }

    /// From here on all goes well for a while.
    mutating func calm(for duration: Duration) {
        let end = now + duration
        while now < end {
            answerEverything()
            guard let deadline = machine.nextDeadline, deadline <= end else { break }
            now = max(now, deadline)
            deliver(.tick)
        }
        now = max(now, end)
        deliver(.tick)
        answerEverything()
    }

    mutating func stop() {
        deliver(.stop)
        answerEverything()
    }

    private mutating func answerEverything() {
        while !openings.isEmpty || !handshakes.isEmpty {
            while let opening = openings.popLast() { succeed(opening) }
            while let token = handshakes.popLast() { shakeHands(token) }
        }
    }

    private mutating func toDeadline() {
        guard let deadline = machine.nextDeadline else { return }
        // Timers are late at times.
        now = max(now, deadline) + .milliseconds(Int64.random(in: 0...20, using: &generator))
        deliver(.tick)
    }

    private mutating func advance(_ step: Duration) {
        now = now + step
        // Waits keep their length when time steps back.
        if step < .zero {
            open = open.mapValues { entry in
                var entry = entry
                entry.overlapEnd = entry.overlapEnd.map { $0 + step }
                return entry
            }
            for index in openings.indices { openings[index].givenUpAt = openings[index].givenUpAt + step }
        }
        deliver(.tick)
    }

    private mutating func force() {
        generation += 1
        deliver(.generation(generation))
    }

    private mutating func lose() {
        guard let token = open.keys.sorted(by: { $0.number < $1.number }).randomElement(using: &generator) else {
            return
        }
        open[token] = nil
        closed += 1
        if published == token { published = nil }
        deliver(.lost(token, reason: "lost"))
    }

    private mutating func answerOpening() {
        guard !openings.isEmpty else { return }
        let opening = openings.removeFirst()
        let failures: [Machine.OpenFailure] = [
            .taken, .reserved, .exhausted, .keyMissing, .credentialMissing, .system("full"),
        ]
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<14: succeed(opening)
        case 14: break
        default: deliver(.openFailed(opening.token, failures.randomElement(using: &generator) ?? .taken))
        }
    }

    private mutating func answerHandshake() {
        guard !handshakes.isEmpty else { return }
        let token = handshakes.removeFirst()
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<8: shakeHands(token)
        case 8: deliver(.handshakeFailed(token, reason: "no answer"))
        default: break
        }
    }

    private mutating func succeed(_ opening: Opening) {
        opens += 1
        let endpoint = Endpoint(address: .v4(0x7f00_0100 + UInt32(opens)), port: 5_001)
        open[opening.token] = Open(endpoint: endpoint)
        deliver(.opened(opening.token, endpoint, candidate: opening.candidate))
    }

    private mutating func shakeHands(_ token: ListenerToken) {
        open[token]?.hasShakenHands = true
        deliver(.handshakeSucceeded(token))
    }

    private static func timing(using generator: inout SeededGenerator) -> RotationTiming {
        RotationTiming(
            intervalMilliseconds: [200, 1_000, 10_000].randomElement(using: &generator) ?? 200,
            overlapMilliseconds: [0, 200, 2_000, 5_000].randomElement(using: &generator) ?? 0)
    }
}

extension RotationWorld {
    // MARK: What must hold

    private mutating func deliver(_ input: Machine.Input) {
        for action in machine.handle(input, now: now, using: &generator) { carryOut(action) }
        check()
    }

    private mutating func carryOut(_ action: Machine.Action) {
        switch action {
        case .open(let token, _, let candidate):
            require(openings.allSatisfy { $0.token != token } && open[token] == nil, "\(token) is asked for twice")
            openings.append(Opening(token: token, candidate: candidate, givenUpAt: now + machine.limits.answerTimeout))
        case .handshake(let token):
            require(open[token] != nil, "a handshake through \(token), which does not listen")
            handshakes.append(token)
        case .setRole(let token, let role): take(role, token)
        case .flip(let flip): publish(flip)
        case .close(let token): close(token)
        case .reportFailure: break
        }
    }

    private mutating func take(_ role: ListenerRole, _ token: ListenerToken) {
        guard let old = open[token] else { return violations.append("a role for \(token), which does not listen") }
        require(role != .live || old.hasShakenHands, "\(token) goes live without a handshake")
        require(old.overlapEnd.map { $0 <= now } ?? true, "the overlap of \(token) ends early")
        open[token]?.role = role
        open[token]?.overlapEnd =
            role == .overlap ? now + .milliseconds(Int64(machine.timing.overlapMilliseconds)) : nil
    }

    private mutating func publish(_ flip: Machine.Flip) {
        flips += 1
        require(open[flip.token]?.role == .live, "\(flip.token) is published and not live")
        require(open[flip.token]?.endpoint == flip.endpoint, "\(flip.token) is published with another endpoint")
        require(flip.previous?.token == published, "\(flip.token) replaces another listener than the published one")
        require(flip.decidedAt <= now && flip.nextAt > now, "the times of \(flip.token)")
        published = flip.token
    }

    private mutating func close(_ token: ListenerToken) {
        require(open[token]?.role != .live || machine.nextDeadline == nil, "\(token) is closed while it is live")
        require(open.removeValue(forKey: token) != nil, "\(token) is closed and does not listen")
        closed += 1
        if published == token { published = nil }
    }

    private mutating func check() {
        let live = open.filter { $0.value.role == .live }
        require(live.count == (published == nil ? 0 : 1), "\(live.count) live listeners")
        require(published.map { open[$0]?.role == .live } ?? true, "the published endpoint is not live")
        require(open.count <= 65, "\(open.count) listeners")
        require(openings.filter { $0.givenUpAt > now }.count <= 1, "two opens at once")
        require(
            Set(machine.listeners.map(\.token)) == Set(open.keys), "the machine and the world know other listeners")
        require(machine.listeners.allSatisfy { open[$0.token]?.role == $0.role }, "roles differ")
        require(open.values.allSatisfy { $0.overlapEnd.map { $0 > now } ?? true }, "an overlap outlives its time")
        if let deadline = machine.nextDeadline { require(deadline > now, "a deadline that has passed") }
    }

    private mutating func require(_ condition: Bool, _ what: String) {
        if !condition { violations.append("\(now): \(what)") }
    }
}
