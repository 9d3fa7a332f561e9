import DTMAPI
import DTMCore
import Glibc

/// One attack on one tunnel: starts the attacker, watches the manager meanwhile, and judges.
struct Engagement {
    let run: RedteamRun
    let setting: RedteamReport
    let attack: Attack
    /// Nil on a tunnel of a running manager.
    let stage: Stage?
    let tunnel: String
    let control: ControlClient
    /// Seconds that an attack which could go on for ever may take.
    let share: Double

    init(_ run: RedteamRun, _ setting: RedteamReport, _ attack: Attack, _ stage: Stage, share: Double) {
        self.share = share
        (self.run, self.setting, self.attack, self.stage) = (run, setting, attack, stage)
        (tunnel, control) = (Stage.tunnel, stage.control)
    }

    init(
        _ run: RedteamRun, _ setting: RedteamReport, _ attack: Attack, tunnel: String, _ control: ControlClient,
        share: Double
    ) {
        self.share = share
        (self.run, self.setting, self.attack, stage) = (run, setting, attack, nil)
        (self.tunnel, self.control) = (tunnel, control)
    }

    /// What the attack came to.
    struct Result {
        var attacker = AttackerReport()
        var start = Timestamp(seconds: 0)
        /// Rotations that came while the squatter was there, and those that failed.
        var rotations = 0
        var failures = 0
        var clientServed: Bool?
    }

    /// How long a manager is given to find and answer what it was shown.
    static let patience: Duration = .seconds(3)
    /// The same where nothing is amiss before handshakes have taken too long.
    static let patienceOfFlood: Duration = .seconds(13)
    /// Who holds nothing of the tunnel's is no alarm.
    static let patienceOfSquatter: Duration = .seconds(1)
    static let forcedRotations = 3

    func run() async throws -> RedteamReport.Outcome {
        let begin = ContinuousClock.now
        var witness = try await Witness(control, tunnel: tunnel)
        let strangersBefore = stage?.canary.strangers ?? 0
        var result = Result()
        try await engage(&witness, &result)
        if let stage { result.clientServed = stage.isServed() }
        let strangers = (stage?.canary.strangers ?? 0) - strangersBefore
        return outcome(
            result, witness, strangers: strangers, seconds: (ContinuousClock.now - begin).inSeconds)
    }

    private func engage(_ witness: inout Witness, _ result: inout Result) async throws {
        let place = try await place(&witness)
        let attacker = try StageProcess("the attacker", arguments: ["__attacker"], environment: ["PATH=/usr/bin:/bin"])
        defer { attacker.end() }
        result.start = WallClock().now()
        attacker.tell(try APIJSON.encode(order(place)))
        let before = witness.report
        let deadline = ContinuousClock.now + .seconds(run.secondsLeft)
        // Whom a follower follows: a client that comes anew wherever the endpoint is.
        var (client, clientAt) = (stage?.client(), witness.report?.endpoint)
        defer { withExtendedLifetime(client) {} }
        while try await !isDone(attacker, &witness, &result) {
            try await witness.look()
            if witness.report?.endpoint != clientAt { (client, clientAt) = (stage?.client(), witness.report?.endpoint) }
            guard ContinuousClock.now < deadline, !attacker.hasEnded() else { break }
            try await Task.sleep(for: .milliseconds(30))
        }
        if attack == .squatter { try await forceRotations(&witness) }
        let patience =
            switch attack {
            case .flood: Self.patienceOfFlood
            case .squatter: Self.patienceOfSquatter
            default: Self.patience
            }
        try await awaitAnswer(&witness, until: min(deadline, ContinuousClock.now + patience))
        result.rotations = Int(clamping: (witness.report?.rotations ?? 0) - (before?.rotations ?? 0))
        result.failures = Int(clamping: (witness.report?.rotationFailures ?? 0) - (before?.rotationFailures ?? 0))
    }

    /// Until what was found is answered, or it is clear that nothing will be.
    private func awaitAnswer(_ witness: inout Witness, until deadline: ContinuousClock.Instant) async throws {
        while ContinuousClock.now < deadline {
            try await witness.look()
            if witness.isAnswered { return }
            try await Task.sleep(for: .milliseconds(30))
        }
    }

    private func isDone(
        _ attacker: StageProcess, _ witness: inout Witness, _ result: inout Result
    ) async throws -> Bool {
        guard let line = attacker.nextLine() else { return false }
        switch try APIJSON.decode(AttackerLine.self, from: line) {
        case .request(let request):
            attacker.tell(try APIJSON.encode(try await stolen(request, &witness)))
            result.start = WallClock().now()
            return false
        case .done(let report):
            result.attacker = report
            return true
        }
    }

    /// The certificate that the manager gives to a client, once its time is over.
    private func stolen(_ request: String, _ witness: inout Witness) async throws -> StolenCertificate.Answer {
        let answer = try await control.identity(
            for: tunnel, IdentityRequest(certificateRequest: request, connector: "00000000deadbeef"))
        let end = (Timestamp(rfc3339: answer.notAfter) ?? WallClock().now()) + .seconds(1)
        while WallClock().now() < end {
            try await witness.look()
            try await Task.sleep(for: .milliseconds(100))
        }
        try await witness.look()
        guard let endpoint = witness.report?.endpoint else {
            throw RedteamError(.process, "the tunnel has no endpoint any more")
        }
        return .init(chain: answer.certificateChain, place: "\(endpoint.host):\(endpoint.port)")
    }

    private func forceRotations(_ witness: inout Witness) async throws {
        for _ in 0..<Self.forcedRotations {
            _ = try await control.rotate(tunnel)
            try await witness.look()
        }
    }

    /// Where the attacker is told to go: for a replay, an endpoint whose time is over by now.
    private func place(_ witness: inout Witness) async throws -> String? {
        if attack == .bypass { return stage?.target }
        guard attack == .replay, let endpoint = witness.report?.endpoint else { return nil }
        let old = "\(endpoint.host):\(endpoint.port)"
        if stage != nil { _ = try await control.rotate(tunnel) }
        let deadline = ContinuousClock.now + .seconds(run.secondsLeft)
        while ContinuousClock.now < deadline {
            try await witness.look()
            let serving =
                [witness.report?.endpoint].compactMap { $0.map { "\($0.host):\($0.port)" } }
                + (witness.report?.previous ?? []).map { "\($0.host):\($0.port)" }
            // Later than any doubt about when it ended.
            let end = (witness.served[old]?.upperBound ?? 0) + 2 * Witness.patience
            if !serving.contains(old), WallClock().now().milliseconds > end { return old }
            try await Task.sleep(for: .milliseconds(50))
        }
        return nil
    }

    private func order(_ place: String?) -> AttackOrder {
        let range = setting.portRange
        let most = min(run.secondsLeft, attack == .slowScan ? Self.slowSeconds : 20)
        return AttackOrder(
            attack: attack, lowestPort: range.first ?? 1, highestPort: range.last ?? .max, place: place,
            path: place.flatMap { $0.hasPrefix("unix:") ? String($0.dropFirst(5)) : nil }, count: count,
            rate: attack == .slowScan ? run.options.rate : 0, seed: run.options.seed,
            limitSeconds: attack == .follower ? min(share, run.secondsLeft) : most,
            uid: run.attackerUID == geteuid() ? nil : run.attackerUID)
    }

    static let slowSeconds = 6.0
    static let floodedHandshakes = 2_000
    static let heldPlaces = 1_000

    var count: Int {
        switch attack {
        case .fullSweep: run.options.trials
        case .follower: run.options.trials
        case .flood: Self.floodedHandshakes
        case .squatter: Self.heldPlaces
        case .expiredCertificate: 10
        case .procReader, .slowScan: stage == nil ? 20 : 1_000
        case .rangeSweep, .replay, .bypass: 1
        }
    }
}
