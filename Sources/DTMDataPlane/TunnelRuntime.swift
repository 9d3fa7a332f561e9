import DTMCertificates
import DTMCore
import DTMPlan
import DTMSecrets
import DTMTunnel
import NIOCore
import NIOSSL

/// What a tunnel of the data plane needs from its surroundings.
struct RuntimeSurroundings: Sendable {
    let group: any EventLoopGroup
    let sessions: SessionRegistry
    let authenticator: PlanAuthenticator
    let reservations: EndpointReservations
    let reporter: Reporter
    let dialer: any TargetDialer
    let time: any TimeSource
    /// Says whose a client's socket is.
    let owners: SocketOwners
    let trustDomain: String
}

/// Makes one tunnel of the plan true: carries out what its ``RotationMachine`` decides, and keeps its certificates
/// fresh.
///
/// Life: construct on its event loop → ``start()`` → ``apply(_:)`` plans, keys and certificates as they come →
/// ``stop()``. Belongs to its event loop.
final class TunnelRuntime {
    let id: TunnelID
    let loop: any EventLoop
    let surroundings: RuntimeSurroundings
    let identity: SPIFFEID
    let server: TunnelServer
    var plan: TunnelPlan
    var schedule: EndpointSchedule
    var machine: RotationMachine
    var listeners: [ListenerToken: TunnelListener] = [:]
    var handshakeMicroseconds: [ListenerToken: UInt32] = [:]
    var windowKeys: [UInt64: SharedSecret] = [:]
    var wantedWindows: Set<UInt64> = []
    var listenerLeaf = LeafCredential()
    var probeLeaf = LeafCredential()
    var probeContext: NIOSSLContext?
    var isStopped = false
    private var hasBegun = false
    private var inputs: [RotationMachine.Input] = []
    private var isDriving = false
    private var isDrivingDecoys = false
    var generator = SystemRandomNumberGenerator()
    var decoys: DecoyField
    /// By what the field calls them.
    var decoyListeners: [DecoyToken: TunnelListener] = [:]
    var decoyTokens: [Endpoint: DecoyToken] = [:]
    /// Those that the rotation has taken over and that have not closed yet.
    var promotedDecoys: Set<DecoyToken> = []
    private var decoyInputs: [DecoyField.Input] = []
    private var decoyTimer: Scheduled<Void>?
    private var decoyTimerDue: Timestamp?
    private var timer: Scheduled<Void>?
    private var timerDue: Timestamp?
    private var reported: TunnelCounters?
    private var beat: Scheduled<Void>?

    /// - Throws: ``TunnelError`` for a schedule that can't be.
    init(_ plan: TunnelPlan, _ surroundings: RuntimeSurroundings, on loop: any EventLoop) throws {
        guard let identity = SPIFFEID.tunnel(plan.id, in: surroundings.trustDomain) else {
            throw TunnelError(code: .peerNotAuthenticated, message: "the plan's trust domain is not one")
        }
        id = plan.id
        self.plan = plan
        self.loop = loop
        self.surroundings = surroundings
        self.identity = identity
        schedule = try EndpointSchedule(parameters: plan.schedule)
        machine = RotationMachine(timing: RotationTiming(plan), generation: plan.generation)
        decoys = DecoyField(timing: RotationTiming(plan), schedule: schedule)
        server = TunnelServer(
            id: plan.id, probeIdentity: .client(of: plan.id, who: "probe", in: surroundings.trustDomain),
            settings: TunnelServer.Settings(plan, authenticator: surroundings.authenticator),
            dialer: surroundings.dialer, observer: surroundings.reporter, time: surroundings.time,
            owners: surroundings.owners)
    }

    func start() {
        requestCertificate(for: .listener(id))
        requestCertificate(for: .probe(id))
        scheduleBeat()
    }

    /// Begins to rotate, once there is something to shake hands with. A key that is missing by then is told as what it
    /// is.
    func credentialsAreComplete() {
        if hasBegun {
            drive(.credentialAvailable)
        } else {
            hasBegun = true
            driveDecoys(.wanted(DecoyField.Wanted(plan)))
            amongDecoys(.start) { drive(.start) }
        }
    }

    /// Makes another plan for the same tunnel true.
    func apply(_ next: TunnelPlan) {
        guard next != plan, !isStopped else { return }
        let previous = plan
        plan = next
        server.update { $0.adopt(next) }
        if next.schedule != previous.schedule {
            guard adopt(next.schedule) else { return }
            if next.schedule.intervalMilliseconds == previous.schedule.intervalMilliseconds { drive(.scheduleReplaced) }
        }
        drive(.timing(RotationTiming(next)))
        driveDecoys(.timing(RotationTiming(next)))
        driveDecoys(.wanted(DecoyField.Wanted(next)))
        guard next.generation != previous.generation else { return }
        amongDecoys(.forced) { drive(.generation(next.generation)) }
    }

    private func adopt(_ parameters: ScheduleParameters) -> Bool {
        do throws(TunnelError) {
            schedule = try EndpointSchedule(parameters: parameters)
            driveDecoys(.schedule(schedule))
            return true
        } catch {
            reportFailure(.bind, "the plan's schedule can't be used: \(error.message)")
            return false
        }
    }

    /// Takes the key of one window. A key that replaces another one of the same window makes the present endpoints
    /// those of nobody.
    func adopt(_ key: SharedSecret, of window: UInt64) {
        let replaces = windowKeys[window].map { !$0.bytes.isEqual(to: key.bytes) } ?? false
        windowKeys[window] = key
        wantedWindows.remove(window)
        let oldest = schedule.window(of: schedule.epoch(at: surroundings.time.now()))
        windowKeys = windowKeys.filter { $0.key + 1 >= oldest }
        guard replaces else { return drive(.keyAvailable) }
        amongDecoys(.forced) { drive(.scheduleReplaced) }
    }

    func stop() -> [EventLoopFuture<Void>] {
        guard !isStopped else { return [] }
        isStopped = true
        beat?.cancel()
        let closing = Array(listeners.values) + Array(decoyListeners.values)
        drive(.stop)
        driveDecoys(.stop)
        timer?.cancel()
        decoyTimer?.cancel()
        return closing.map { $0.close() }
    }

    // MARK: The machine

    /// Gives the machine an input, carries out what it decides, and sets the clock for the next decision. What an
    /// action answers at once is given after all actions of that decision.
    func drive(_ input: RotationMachine.Input) {
        inputs.append(input)
        guard !isDriving else { return }
        isDriving = true
        while !inputs.isEmpty {
            let next = inputs.removeFirst()
            for action in machine.handle(next, now: surroundings.time.now(), using: &generator) { perform(action) }
        }
        isDriving = false
        setTimer()
    }

    private func setTimer() {
        guard let due = machine.nextDeadline else {
            timer?.cancel()
            timerDue = nil
            return
        }
        guard due != timerDue else { return }
        timer?.cancel()
        timerDue = due
        let wait = max(0, (due - surroundings.time.now()).wholeNanoseconds)
        timer = loop.assumeIsolated().scheduleTask(in: .nanoseconds(wait)) {
            self.timerDue = nil
            self.drive(.tick)
        }
    }

    // MARK: The decoys

    /// Gives the field an input, carries out what it decides, and sets the clock, as ``drive(_:)`` does for the machine.
    func driveDecoys(_ input: DecoyField.Input) {
        decoyInputs.append(input)
        guard !isDrivingDecoys else { return }
        isDrivingDecoys = true
        while !decoyInputs.isEmpty {
            let next = decoyInputs.removeFirst()
            for action in decoys.handle(next, now: surroundings.time.now(), using: &generator) { perform(action) }
        }
        isDrivingDecoys = false
        setDecoyTimer()
    }

    /// Gives the field an input that opens some decoys, and does something else that opens a listener somewhere among
    /// them: the numbers of sockets rise in the order of their opening, and tell nothing then.
    private func amongDecoys(_ input: DecoyField.Input, _ body: () -> Void) {
        let actions = decoys.handle(input, now: surroundings.time.now(), using: &generator)
        let place = Int.random(in: 0...actions.count, using: &generator)
        for action in actions[..<place] { perform(action) }
        body()
        for action in actions[place...] { perform(action) }
        setDecoyTimer()
    }

    private func setDecoyTimer() {
        guard let due = decoys.nextDeadline, !isStopped else {
            decoyTimer?.cancel()
            decoyTimerDue = nil
            return
        }
        guard due != decoyTimerDue else { return }
        decoyTimer?.cancel()
        decoyTimerDue = due
        let wait = max(0, (due - surroundings.time.now()).wholeNanoseconds)
        decoyTimer = loop.assumeIsolated().scheduleTask(in: .nanoseconds(wait)) {
            self.decoyTimerDue = nil
            self.driveDecoys(.tick)
        }
    }

    // MARK: Once a second

    private func scheduleBeat() {
        beat = loop.assumeIsolated().scheduleTask(in: .seconds(1)) {
            guard !self.isStopped else { return }
            self.reportCounters()
            self.surroundings.reporter.flushIncidents(now: self.surroundings.time.now())
            self.renewIfDue()
            self.scheduleBeat()
        }
    }

    func reportCounters() {
        var counters = server.counters
        counters.decoys = UInt32(clamping: decoys.filled)
        guard counters != reported else { return }
        reported = counters
        surroundings.reporter.send(.counters(tunnel: id, counters))
    }
}

extension DecoyField.Wanted {
    /// How many sentinels a tunnel has whose endpoints hop.
    static let sentinels = 2

    init(_ plan: TunnelPlan) {
        let hops = plan.schedule.addressMode == .hop && plan.decoys > 0
        self.init(decoys: Int(plan.decoys), sentinels: hops ? Self.sentinels : 0)
    }
}

extension RotationTiming {
    init(_ plan: TunnelPlan) {
        self.init(
            intervalMilliseconds: plan.schedule.intervalMilliseconds, overlapMilliseconds: plan.overlapMilliseconds)
    }
}

extension TunnelServer.Settings {
    init(_ plan: TunnelPlan, authenticator: any PeerAuthenticator) {
        self.init(
            context: nil, authenticator: authenticator, target: DialTarget(plan.target),
            proxyProtocol: plan.proxyProtocol,
            maximumConnections: 0, handshakeTimeout: .zero, connectTimeout: .zero, idleTimeout: nil, maximumAge: nil)
        adopt(plan)
    }

    mutating func adopt(_ plan: TunnelPlan) {
        let limits = plan.limits
        target = DialTarget(plan.target)
        proxyProtocol = plan.proxyProtocol
        maximumConnections = Int(limits.maximumConnections)
        handshakeTimeout = .milliseconds(Int64(limits.handshakeTimeoutMilliseconds))
        connectTimeout = .milliseconds(Int64(limits.connectTimeoutMilliseconds))
        idleTimeout = .unlessZero(limits.idleTimeoutMilliseconds)
        maximumAge = .unlessZero(limits.maximumAgeMilliseconds)
    }
}

extension TimeAmount {
    fileprivate static func unlessZero(_ milliseconds: UInt32) -> TimeAmount? {
        milliseconds == 0 ? nil : .milliseconds(Int64(milliseconds))
    }
}

extension DialTarget {
    init(_ target: TargetPlan) {
        switch target {
        case .tcp(let endpoints): self = .tcp(endpoints)
        case .unix(let path): self = .unix(path: path)
        }
    }
}
