public import ArgumentParser
import DTMAPI
import DTMCore
public import DTMRedteam
import Glibc
import UnixSignals

/// `dtm redteam`. ``prepare()`` must run before this process has a second thread: `main.swift` sees to it.
package struct RedteamCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "redteam", abstract: "Attack this machine's own DTM, and measure what comes of it.",
        discussion: """
            Needs no manager: each attack meets one of its own, with the default configuration and an application that counts \
            whoever reaches it, in a network namespace where nothing else of this host is. As root, the attacker is the user \
            nobody. With --tunnel, a tunnel of a running manager is attacked instead, by what harms nobody: range-sweep, \
            proc-reader, replay and slow-scan. They raise real alarms there.

            Exits with 0; with 2 when anything reached an application. With one at a port, full-sweep and bypass do: its own             port is open beside the tunnel. --unix shows what an application on a Unix socket is worth.
            """)

    @Option(
        name: .customLong("attack"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "Only these: \(Attack.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var attacks: [Attack] = []

    @Option(help: ArgumentHelp("Attack this tunnel of a running manager.", valueName: "name"))
    var tunnel: String?

    @Flag(help: "The application behind the tunnel listens on a Unix socket in a folder of its own, not at a port.")
    var unix = false

    @Option(help: ArgumentHelp("How many trials and attempts make a figure, 100 to 1000000.", valueName: "n"))
    var trials = 10_000

    @Option(
        help: ArgumentHelp("What the attacks' random choices begin with: the same, the same choices.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Probes a second of slow-scan, 0.1 to 1000.", valueName: "n"))
    var rate = 1.0

    @Option(
        help: ArgumentHelp(
            "How long all of it may take, 5 to 3600; what is left then is omitted.", valueName: "seconds"))
    var limit = 90.0

    @OptionGroup var manager: ManagerOptions

    package init() {}

    package mutating func validate() throws {
        guard (100...1_000_000).contains(trials) else {
            throw ValidationError("--trials is \(trials); allowed are 100 to 1000000")
        }
        guard (0.1...1_000).contains(rate) else { throw ValidationError("--rate is \(rate); allowed are 0.1 to 1000") }
        guard (5...3_600).contains(limit) else { throw ValidationError("--limit is \(limit); allowed are 5 to 3600") }
        guard tunnel == nil || !unix else {
            throw ValidationError("--unix is for tunnels of its own, not for --tunnel")
        }
        guard tunnel != nil || manager.home == nil else {
            throw ValidationError("--home says whose tunnel is attacked, and needs --tunnel")
        }
        if tunnel != nil, let harmful = attacks.first(where: { !$0.sparesOthers }) {
            throw ValidationError(
                "--attack \(harmful.rawValue) may harm whoever uses the tunnel; with --tunnel, allowed are \(Self.sparing)"
            )
        }
    }

    private static var sparing: String {
        Attack.allCases.filter(\.sparesOthers).map(\.rawValue).joined(separator: ", ")
    }

    /// What has to be done while this process has one thread: there is a network for the attacks.
    package func prepare() -> Result<OwnNetwork?, RedteamError> {
        guard tunnel == nil else { return .success(nil) }
        do {
            return .success(try OwnNetwork.enter())
        } catch {
            return .failure(error)
        }
    }

    /// Never called by the program, which prepares first.
    package func run() async throws { throw ExitCode(await run(in: prepare())) }

    /// - Returns: the exit status.
    package func run(in network: Result<OwnNetwork?, RedteamError>) async -> Int32 {
        do {
            let report = try await attack(in: try network.get())
            let output = Output.standard()
            if manager.json {
                try output.json(report)
            } else {
                try output.lines(RedteamView.lines(report, output.style))
            }
            return report.anyReached ? ExitStatus.degraded : ExitStatus.success
        } catch {
            return CommandFailure(error).report(asJSON: manager.json).rawValue
        }
    }

    private func attack(in network: OwnNetwork?) async throws -> RedteamReport {
        let chosen = Attack.allCases.filter { attack in
            attacks.isEmpty ? tunnel == nil || attack.sparesOthers : attacks.contains(attack)
        }
        let run = RedteamRun(
            .init(
                attacks: chosen, tunnel: tunnel, locator: manager.locator, trials: trials, onUnixSocket: unix,
                seed: seed,
                rate: rate, limitSeconds: limit), network: network)
        let progress = isatty(STDERR_FILENO) == 1 && !manager.json ? Output.standardError() : nil
        return try await withThrowingTaskGroup(of: RedteamReport?.self) { tasks in
            tasks.addTask {
                try await run.run { try progress?.lines(["\($0.rawValue): \($0.title)"]) }
            }
            tasks.addTask {
                await RedteamSignals.come()
                return nil
            }
            defer { tasks.cancelAll() }
            while let report = try await tasks.next() {
                if let report { return report }
                // A signal: what was started is ended first.
                tasks.cancelAll()
            }
            throw CancellationError()
        }
    }
}

extension Attack: ExpressibleByArgument {}

/// SIGINT and SIGTERM end the attacks in order: what was started is gone before the program is.
private enum RedteamSignals {
    /// Returns when one has come.
    static func come() async {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        for await _ in signals { return }
    }
}
