public import DTMAPI
import DTMCore
import DTMSecrets
import DTMTunnel
import Glibc

/// `dtm redteam`: attacks, one after another, each on a manager of its own (``Stage``), or those that spare others on a tunnel of a
/// running manager.
///
/// Construct it → ``run(_:)``. Nothing that it started outlives that.
public struct RedteamRun: Sendable {
    /// What is attacked, how, and for how long.
    public struct Options: Sendable {
        public var attacks: [Attack]
        /// A tunnel of the manager at ``locator``; nil: tunnels of its own.
        public var tunnel: String?
        public var locator: ControlSocketLocator
        /// For measured probabilities, and for attempts of the follower.
        public var trials: Int
        /// Whether the application listens on a Unix socket in a folder of its own, and not at a port.
        public var onUnixSocket: Bool
        public var seed: UInt64
        /// Probes a second of the slow scanner.
        public var rate: Double
        public var limitSeconds: Double

        public init(
            attacks: [Attack], tunnel: String?, locator: ControlSocketLocator, trials: Int, onUnixSocket: Bool,
            seed: UInt64, rate: Double,
            limitSeconds: Double
        ) {
            self.attacks = attacks
            self.tunnel = tunnel
            self.locator = locator
            self.trials = trials
            self.onUnixSocket = onUnixSocket
            self.seed = seed
            self.rate = rate
            self.limitSeconds = limitSeconds
        }
    }

    let options: Options
    let network: OwnNetwork?
    private let begin = ContinuousClock.now

    /// - Parameter network: Where tunnels of its own stand; nil only with ``Options/tunnel``.
    public init(_ options: Options, network: OwnNetwork?) {
        self.options = options
        self.network = network
    }

    /// nobody(5) of Debian.
    static let nobody: UInt32 = 65_534

    /// As whom attackers run: somebody else than the manager where that can be had.
    var attackerUID: UInt32 {
        let own = geteuid()
        guard own == 0, network?.mayBecomeOthers ?? true else { return own }
        return Self.nobody
    }

    var secondsLeft: Double { options.limitSeconds - (ContinuousClock.now - begin).inSeconds }

    /// - Parameter progress: Told of each attack before it begins.
    /// - Throws: ``RedteamError``, `ControlClientError`, `CancellationError`.
    public func run(_ progress: (Attack) throws -> Void) async throws -> RedteamReport {
        try MemoryProtection.begin(.prefer)
        var report = RedteamReport(
            tunnel: options.tunnel, attackerUID: attackerUID, managerUID: options.tunnel == nil ? geteuid() : nil,
            decoys: Stage.Defaults.decoys, intervalSeconds: Stage.Defaults.intervalSeconds,
            overlapSeconds: Stage.Defaults.overlapSeconds,
            portRange: [Stage.Defaults.ports.lowerBound, Stage.Defaults.ports.upperBound], seed: options.seed,
            seconds: 0,
            attacks: [], omitted: [])
        if let name = options.tunnel { try await describe(name, &report) }
        for (index, attack) in options.attacks.enumerated() {
            // Each may take an equal share of what is left.
            let equal = max(Self.leastShare, secondsLeft / Double(options.attacks.count - index))
            let share = options.attacks.count == 1 ? equal : min(equal, Self.mostShare)
            guard secondsLeft > Self.leastSeconds(attack) else {
                report.omitted.append(attack.rawValue)
                continue
            }
            try progress(attack)
            let outcome =
                if let name = options.tunnel {
                    try await attackRunning(name, attack, report, share)
                } else {
                    try await attackStage(attack, report, share)
                }
            report.attacks.append(outcome)
        }
        report.seconds = rounded((ContinuousClock.now - begin).inSeconds)
        return report
    }

    /// Seconds; an attack that needs fewer leaves the rest to the others.
    static let leastShare = 5.0
    /// The same, unless it is the only one.
    static let mostShare = 10.0

    /// Without so much time an attack is not begun: it could not be told from one that failed.
    static func leastSeconds(_ attack: Attack) -> Double { attack == .expiredCertificate ? 16 : 4 }

    /// What a tunnel of a running manager is set to.
    private func describe(_ name: String, _ report: inout RedteamReport) async throws {
        let tunnels = try await ControlClient.withClient(at: options.locator) { try await $0.tunnels() }
        guard let tunnel = tunnels.tunnels.first(where: { $0.name == name }) else {
            throw RedteamError(.usage, "there is no tunnel \(name)", hint: "dtm tunnels lists them")
        }
        guard let place = tunnel.endpoint?.endpoint, LoopbackPlace(place) != nil else {
            throw RedteamError(
                .usage, "the endpoint of \(name) is not within 127.0.0.0/8",
                hint: "only this machine's own loopback is attacked")
        }
        report.decoys = tunnel.decoys ?? 0
        (report.intervalSeconds, report.overlapSeconds) = (tunnel.intervalSeconds, tunnel.overlapSeconds)
        report.portRange = tunnel.portRange
    }

    private func attackStage(_ attack: Attack, _ report: RedteamReport, _ share: Double) async throws
        -> RedteamReport.Outcome
    {
        let stage = try await Stage.begin(
            configuration: Self.configuration(for: attack), onUnixSocket: options.onUnixSocket)
        do {
            let outcome = try await Engagement(self, report, attack, stage, share: share).run()
            await stage.end()
            return outcome
        } catch {
            await stage.end()
            throw error
        }
    }

    private func attackRunning(
        _ name: String, _ attack: Attack, _ report: RedteamReport, _ share: Double
    ) async throws -> RedteamReport.Outcome {
        try await ControlClient.withClient(at: options.locator) { client in
            try await Engagement(self, report, attack, tunnel: name, client, share: share).run()
        }
    }

    /// Seconds that a client's certificate lives in the attack that waits for its end: the shortest that there are.
    static let shortLifetime = 10

    private static func configuration(for attack: Attack) -> String {
        attack == .expiredCertificate ? #"{"certificates": {"leafLifetimeSeconds": \#(shortLifetime)}}"# : "{}"
    }
}

/// To milliseconds.
func rounded(_ seconds: Double) -> Double { (seconds * 1_000).rounded() / 1_000 }
