import DTMConfiguration
import DTMCore
import DTMPolicy
import DTMSecrets
import DTMState
import DTMTelemetry
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The control process: the slow path. It decides, and the data plane makes it true.
public enum ControlProcess {
    /// Runs until the launcher orders the end.
    ///
    /// - Returns: The exit status.
    /// - Throws: A `DescribedError` when it could not start or came to grief; ``exitCode(for:)`` gives its exit status.
    public static func run(arguments: ControlArguments) async throws -> Int32 {
        // Ctrl-C goes to every process of the terminal's group; until ``SignalService`` runs, nothing else keeps it
        // away.
        signal(SIGINT, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        let channel = try LauncherChannel(descriptor: arguments.launcherDescriptor)
        let threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let outcome: Result<Void, any Error>
        do {
            let process = try Self.prepare(arguments, threads: threads, group: group)
            try await process.run(channel, group: group)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        // Another control would only meet the same, and say it again.
        if case .failure(let error) = outcome, error is SecretsError { channel.sendFinal() }
        await channel.close()
        try? await group.shutdownGracefully()
        try? await threads.shutdownGracefully()
        if case .failure(let error) = outcome, !(error is ForcedEnd) { throw error }
        return 0
    }

    /// The exit status that goes with an error of ``run(arguments:)`` (`sysexits.h`).
    public static func exitCode(for error: any Error) -> Int32 {
        if error is ConfigurationError { return 78 }
        return (error as? ManagerError)?.code == .configurationRefused ? 78 : 1
    }

    private static func prepare(
        _ arguments: ControlArguments, threads: NIOThreadPool, group: MultiThreadedEventLoopGroup
    ) throws -> RunningControl {
        let home = Home(path: arguments.home)
        try home.prepare()
        let anchor = ClockAnchor.current()
        let clock = AnchoredClock(anchor: anchor)
        let reserved = ReservedPorts.ofHost()
        let source = ConfigurationFiles(loader: loader(arguments, home, reserved))
        let (lent, providerKey) = (LentKey(), ProviderKeyHolder())
        let loaded = try source.load(after: nil, receivingKey: lent.take)
        providerKey.take(lent.key)
        let memory = try ManagerMemory(beginning: loaded.configuration.memory.protection)
        let log = try EventLog(
            settings: loaded.configuration.logging.settings(directory: home.logs), clock: clock,
            report: { complain("the log: \($0)") })
        let sockets = sockets(arguments, home)
        for socket in sockets { try socket.checkFree() }
        let sealed = try StateUnlocking(
            place: StatePlace(home: home.path), arguments: arguments, openPGP: RNPProvider()
        ).open()
        let inventory = try HostInventory(
            anchor: anchor, threads: threads, accounts: LibcAccountDirectory(),
            interval: .milliseconds(Int64(loaded.configuration.discovery.intervalSeconds * 1_000)))
        let setting = ControlSetting(
            home: home, loaded: loaded, source: source, reservedPorts: reserved, anchor: anchor, clock: clock,
            wall: WallClock(), managerUID: geteuid(), controlPID: getpid(), launcherPID: arguments.launcherPID,
            isAutomatic: arguments.auto, log: log, accounts: LibcAccountDirectory(), applications: inventory,
            programs: inventory, inventory: inventory,
            names: SystemNameResolver(threads: threads), probe: ConnectingProbe(group: group), threads: threads,
            memory: memory, checks: RuntimeChecks(executable: try ExecutableWatch()), sockets: sockets, sealed: sealed,
            credentials: arguments.credentials, providerKey: providerKey)
        return RunningControl(
            assembly: try ControlAssembly(setting), logger: logger(log), printsBanner: arguments.printsBanner)
    }

    private static func loader(
        _ arguments: ControlArguments, _ home: Home, _ reserved: ReservedPorts
    ) -> ConfigurationLoader {
        ConfigurationLoader(
            locator: ConfigurationLocator(
                commandLine: arguments.configuration, environment: arguments.environmentConfiguration, home: home.path),
            context: reserved.context, managerUID: geteuid())
    }

    private static func sockets(_ arguments: ControlArguments, _ home: Home) -> [ControlSocket] {
        let own = ControlSocket(path: home.controlSocket, mode: 0o600)
        let isSystems = geteuid() == 0 && (home.path.hasPrefix("/run/") || home.path.hasPrefix("/var/"))
        guard arguments.system || isSystems else { return [own] }
        mkdir(ControlSocket.systemFolder, 0o755)
        // Every user must get as far as the socket, whatever the umask says.
        chmod(ControlSocket.systemFolder, 0o755)
        return [own, ControlSocket(path: ControlSocket.systemPath, mode: 0o666)]
    }

    private static func logger(_ log: EventLog) -> Logger {
        var logger = Logger(label: "dtm.control") { EventLogHandler(label: $0, log: log, level: .warning) }
        logger.logLevel = .warning
        return logger
    }

    private static func complain(_ text: String) {
        let line = "dtm: \(text)\n"
        _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }
}
