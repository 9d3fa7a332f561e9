import DTMConfiguration
import DTMCore
import DTMState
import DTMTelemetry
import Glibc
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// Control's services, one group of them, from the start to the end.
struct RunningControl: Sendable {
    let assembly: ControlAssembly
    let logger: Logger
    let printsBanner: Bool
    /// Whether to keep the terminal's signals away; not in tests, where they belong to the runner.
    var handlesSignals = true
    /// Told of each finding that is new, or worse than before.
    var onFinding: @Sendable (Finding) async -> Void = { _ in }

    /// How long the end may take besides the drain.
    static let shutdownSeconds = 8.0

    /// Runs until the group has ended.
    func run(_ channel: LauncherChannel, group: any EventLoopGroup) async throws {
        let parts = assembly.parts
        if let sealed = assembly.setting.sealed { await parts.registry.restore(sealed.state.tunnels) }
        try await parts.configuration.applyAtStart()
        await parts.responses.start()
        await parts.restoreBaselines()
        parts.writeTrustBundle(parts.certificates.initialSnapshot)
        parts.recorder.record(
            Event.Kind.managerStarted, .notice,
            [
                "version": .string(DTMVersion.text), "home": .string(assembly.setting.home.path),
                "configuration": .string(assembly.setting.loaded.path ?? "defaults"),
                "mode": parts.state == nil ? "ephemeral" : "sealed",
            ])
        parts.recorder.recordReduction(assembly.setting.memory.control, of: VerifiedProcess.control.rawValue)
        await tellState()
        await parts.configuration.tellOfKey()
        await parts.registry.attributeTouches(at: assembly.touches)
        let services = ServiceGroup(configuration: configuration(channel, group))
        defer { parts.recorder.journal.finish() }
        try await services.run()
        await parts.registry.finish()
        // What happened since the last save, the end included.
        try? await parts.state?.save(isLast: true)
        await parts.saveBaselines()
    }

    private func tellState() async {
        let parts = assembly.parts
        guard let sealed = assembly.setting.sealed, let keeper = parts.state else {
            parts.recorder.record(
                Event.Kind.stateEphemeral, .info,
                ["effect": "keys, certificates and state are forgotten at the end, and nothing is backed up"])
            return
        }
        parts.recorder.record(
            Event.Kind.stateOpened, .notice,
            [
                "generation": .integer(Int64(sealed.store.generation)), "unlockedBy": .string(sealed.unlockedBy),
                "instance": .string("\(sealed.store.instance)"),
            ])
        if !sealed.store.hadWitness {
            parts.recorder.record(
                Event.Kind.stateWitnessMissing, .warning,
                [
                    "effect": "whether the state is older than what this host has seen can't be told for this start",
                    "hint":
                        "look whether tunnels and revocations are the latest; a new witness is written with the next save",
                ])
        }
        await parts.acceptance.look(at: await parts.configuration.current.configuration, in: keeper)
        // A failure has been recorded; the tunnels are served all the same.
        try? await keeper.save()
    }

    /// They are told to end one by one, the last first: no more requests → the data plane drains → the timers → the
    /// launcher's orders.
    private func configuration(_ channel: LauncherChannel, _ group: any EventLoopGroup) -> ServiceGroupConfiguration {
        let stop = StopSwitch()
        let serving = ServingCount(wanted: assembly.setting.sockets.count)
        let orders = OrderService(channel: channel, assembly: assembly, stop: stop)
        let ready = ReadyService(assembly: assembly, channel: channel, serving: serving, printsBanner: printsBanner)
        // Each by its name: what the group would otherwise print is the whole of it.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: orders, serviceName: "orders"),
            .init(
                service: StopService(stop: stop), successTerminationBehavior: .gracefullyShutdownGroup,
                serviceName: "stop"),
        ]
        services += signals(stop).map { .init(service: $0, serviceName: "signals") }
        services += timers.map { .init(service: $0, serviceName: "timer") }
        services.append(.init(service: assembly.touches, serviceName: "touches of decoys"))
        services.append(.init(service: assembly.parts.supervisor, serviceName: "data plane"))
        services += verification
        services += discovery
        let responses = assembly.parts.responses
        let finding = FindingService(
            parts: assembly.parts, programs: assembly.setting.programs, clock: assembly.setting.clock,
            onFinding: { finding in
                await onFinding(finding)
                await responses.take(finding)
            })
        services.append(.init(service: finding, serviceName: "findings"))
        let analysis = AnalystService(
            parts: assembly.parts, clock: assembly.setting.clock, onFinding: finding.onFinding)
        services.append(.init(service: analysis, serviceName: "analysis"))
        services.append(.init(service: models, serviceName: "models"))
        services.append(.init(service: notifications(group), serviceName: "notifications"))
        services.append(
            .init(service: LiveService(parts: assembly.parts, clock: assembly.setting.clock), serviceName: "live"))
        services.append(.init(service: ready, serviceName: "ready"))
        services += apis(group, serving).map { .init(service: $0, serviceName: "api") }
        var configuration = ServiceGroupConfiguration(services: services, logger: logger)
        let drain = assembly.setting.loaded.configuration.timeouts.drainSeconds
        configuration.maximumGracefulShutdownDuration = .seconds(drain + Self.shutdownSeconds)
        return configuration
    }

    private func apis(_ group: any EventLoopGroup, _ serving: ServingCount) -> [ControlAPIService] {
        let responder = ControlRouter.make(assembly.parts).buildResponder()
        return assembly.setting.sockets.map { socket in
            ControlAPIService(socket: socket, responder: responder, group: group, logger: logger) { serving.add() }
        }
    }

    private var models: ModelService {
        let setting = assembly.setting
        return ModelService(
            parts: assembly.parts, credentials: setting.credentials, providerKey: setting.providerKey,
            makeTransport: setting.modelTransport)
    }

    private func notifications(_ group: any EventLoopGroup) -> NotificationService {
        let setting = assembly.setting
        return NotificationService(
            desk: assembly.parts.notifications, configuration: assembly.parts.configuration,
            recorder: assembly.parts.recorder, clock: setting.clock,
            makeSender: { http, hooks in
                NotificationSender(
                    http: http,
                    keys: NotificationKeys(managerUID: setting.managerUID, credentials: setting.credentials),
                    hooks: hooks, files: HookFile(managerUID: setting.managerUID), wall: setting.wall)
            }, group: group)
    }

    private func signals(_ stop: StopSwitch) -> [SignalService] {
        let parts = assembly.parts
        return handlesSignals ? [SignalService(status: parts.status, recorder: parts.recorder, stop: stop)] : []
    }

    private var discovery: [ServiceGroupConfiguration.ServiceConfiguration] {
        let connectors = ConfiguredConnectors(parts: assembly.parts, managerUID: assembly.setting.managerUID)
        let hosting = ServiceGroupConfiguration.ServiceConfiguration(service: connectors, serviceName: "connectors")
        guard let inventory = assembly.setting.inventory else { return [hosting] }
        let assembly = assembly
        let looking = InventoryService(
            inventory: inventory, parts: assembly.parts, clock: assembly.setting.clock, autoTunnel: assembly.autoTunnel
        ) { await assembly.own }
        return [
            .init(service: assembly.autoTunnel, serviceName: "auto-tunnel"),
            .init(service: looking, serviceName: "discovery"), hosting,
        ]
    }

    private var stateTimers: [PeriodicService] {
        let parts = assembly.parts
        guard let keeper = parts.state else { return [] }
        let watch = StateWatch(recorder: parts.recorder)
        return [
            PeriodicService(interval: .seconds(10), startsAtOnce: false) {
                let configuration = await parts.configuration.current.configuration
                await parts.acceptance.look(at: configuration, in: keeper)
                try? await keeper.save()
                await keeper.backUpIfDue(configuration.backup)
            },
            PeriodicService(interval: ControlParts.baselineInterval, startsAtOnce: false) {
                await parts.saveBaselines()
            },
            PeriodicService(interval: .seconds(60), startsAtOnce: false) { watch.note(await keeper.check()) },
        ]
    }

    private var verification: [ServiceGroupConfiguration.ServiceConfiguration] {
        guard let checks = assembly.setting.checks else { return [] }
        let service = RuntimeVerification(
            checks: checks, desk: assembly.parts.desk, configuration: assembly.parts.configuration,
            threads: assembly.setting.threads)
        return [.init(service: service, serviceName: "verification")]
    }

    private var timers: [PeriodicService] {
        let parts = assembly.parts
        let refresh = assembly.refresh
        return [
            PeriodicService(interval: .seconds(2)) {
                await parts.registry.deliverDueKeys()
                await parts.registry.flushIncidents()
            },
            PeriodicService(interval: .seconds(2), startsAtOnce: false) { await parts.responses.tick() },
            PeriodicService(interval: .seconds(5)) { await parts.status.look() },
            PeriodicService(interval: .seconds(30)) {
                await refresh.run()
                await parts.advanceAuthority()
            },
            PeriodicService(interval: .seconds(60), startsAtOnce: false) { await parts.status.recordPerformance() },
        ] + stateTimers
    }
}

/// Counts the sockets at which clients can connect.
final class ServingCount: Sendable {
    private let wanted: Int
    private let count = Mutex(0)
    let changes = Signal()

    init(wanted: Int) { self.wanted = wanted }

    func add() {
        count.withLock { $0 += 1 }
        changes.notify()
    }

    var isComplete: Bool { count.withLock { $0 >= wanted } }
}

/// Says once that the manager serves: to the launcher, and to whoever looks at standard output.
struct ReadyService: Service {
    let assembly: ControlAssembly
    let channel: LauncherChannel
    let serving: ServingCount
    let printsBanner: Bool

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await wait(for: serving.changes) { serving.isComplete }
            let supervisor = assembly.parts.supervisor
            await wait(for: supervisor.changes) { supervisor.status.starts > 0 }
            guard !Task.isCancelled else { return }
            channel.sendReady()
            if printsBanner { await printBanner() }
        }
        try? await gracefulShutdown()
    }

    private func wait(for signal: Signal, until isTrue: () -> Bool) async {
        let changes = signal.subscribe()
        if isTrue() { return }
        for await _ in changes where isTrue() { return }
    }

    private func printBanner() async {
        let setting = assembly.setting
        let observations = (try? await setting.applications.view().processes) ?? []
        let records = await assembly.parts.registry.records
        let protected = Set(records.map(\.draft.target))
        let banner = Banner(
            home: setting.home.path, configuration: setting.loaded.path,
            warnings: setting.loaded.warnings + [setting.memory.warning].compactMap(\.self),
            isSealed: setting.sealed != nil,
            sockets: setting.sockets.map(\.path), tunnels: records.map(\.name),
            places: Banner.protectable(observations, own: await assembly.own).filter { !protected.contains($0.target) })
        let bytes = Array(banner.text.utf8)
        // Who started the manager may have closed standard output: nothing depends on it.
        _ = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}

extension ControlParts {
    /// Does what is due with the authority.
    func advanceAuthority() async {
        do {
            if try await certificates.advance() { await publishTrust() }
        } catch {
            recorder.record(Event.Kind.authorityRotated, .error, ["reason": .string("\(error)")])
        }
    }
}
