import DTMConfiguration
import DTMCore
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Ends the manager in order, from wherever that is decided.
final class StopSwitch: Sendable {
    private let signal = Signal()
    private let isThrown = Mutex(false)

    func stop() {
        isThrown.withLock { $0 = true }
        signal.notify()
    }

    /// Waits until it is thrown, or until the task is to end for another reason.
    func wait() async {
        let changes = signal.subscribe()
        if isThrown.withLock({ $0 }) { return }
        for await _ in changes.cancelOnGracefulShutdown() { return }
    }
}

/// Returns when the manager is to end; the group then shuts down gracefully.
struct StopService: Service {
    let stop: StopSwitch
    func run() async throws { await stop.wait() }
}

/// The launcher said: now.
struct ForcedEnd: Error {}

/// Carries out what the launcher orders.
struct OrderService: Service {
    let channel: LauncherChannel
    let assembly: ControlAssembly
    let stop: StopSwitch

    func run() async throws {
        try await withTaskCancellationOrGracefulShutdownHandler {
            while true {
                switch await channel.next() {
                case .link(let descriptor): assembly.parts.supervisor.adopt(descriptor)
                case .drain:
                    assembly.parts.recorder.record(
                        Event.Kind.managerStopping, .notice, ["reason": "the launcher was told to end"])
                    stop.stop()
                case .now: throw ForcedEnd()
                case .reload: await reload()
                case .gone: return try await orphaned()
                }
            }
        } onCancelOrGracefulShutdown: {
            channel.wake()
        }
    }

    private func reload() async {
        // A file that is refused has been recorded with all that is wrong with it.
        _ = try? await assembly.parts.configuration.reload()
        await assembly.refresh.run()
    }

    /// Serves on for a while: somebody may start a launcher again, and that one ends this process with SIGTERM.
    private func orphaned() async throws {
        guard !Task.isShuttingDownGracefully, !Task.isCancelled else { return }
        let limit = await assembly.parts.configuration.current.configuration.orphanLimitSeconds
        assembly.parts.status.orphaned()
        assembly.parts.recorder.record(Event.Kind.managerUnsupervised, .error, ["limitSeconds": .double(limit)])
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(limit)) }
        stop.stop()
        try? await gracefulShutdown()
    }
}

/// Keeps the signals of the terminal from ending control before the launcher says so: Ctrl-C goes to every process of
/// the group. Without a launcher, SIGTERM ends the manager in order.
struct SignalService: Service {
    let status: StatusService
    let recorder: EventRecorder
    let stop: StopSwitch

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        for await signal in signals.cancelOnGracefulShutdown() where signal == .sigterm && status.isOrphaned {
            recorder.record(Event.Kind.managerStopping, .notice, ["reason": "SIGTERM, and no launcher"])
            stop.stop()
        }
    }
}

/// Does something again and again.
struct PeriodicService: Service {
    let interval: Duration
    var startsAtOnce = true
    let work: @Sendable () async -> Void

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            if startsAtOnce { await work() }
            while !Task.isCancelled {
                try await Task.sleep(for: interval)
                await work()
            }
        }
    }
}

/// Serves the control API at one socket.
struct ControlAPIService: Service {
    /// The most connections at a time.
    static let maximumConnections = 1_024
    let socket: ControlSocket
    let responder: RouterResponder<APIContext>
    let group: any EventLoopGroup
    let logger: Logger
    /// Called when clients can connect.
    let onServing: @Sendable () -> Void

    func run() async throws {
        let state = PublicationState()
        let application = Application(
            responder: responder,
            server: .http1(
                configuration: .init(additionalChannelHandlers: [AnswerWipe()], idleTimeout: .seconds(120))),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: socket.temporaryPath), backlog: 256,
                availableConnectionsDelegate: .maximum(Self.maximumConnections, logger: logger)),
            onServerRunning: { channel in
                state.publish(socket)
                if state.failure == nil { onServing() } else { try? await channel.close() }
            },
            eventLoopGroupProvider: .shared(group), logger: logger)
        defer { state.withdraw() }
        do {
            try await application.run()
        } catch {
            throw state.failure ?? error
        }
        if let failure = state.failure { throw failure }
    }
}

/// Whether the socket got its name.
private final class PublicationState: Sendable {
    private enum Outcome: Sendable {
        case starting
        case published(PublishedSocket)
        case failed(ManagerError)
    }
    private let outcome = Mutex(Outcome.starting)

    func publish(_ socket: ControlSocket) {
        outcome.withLock { outcome in
            do throws(ManagerError) {
                outcome = .published(try socket.publish())
            } catch {
                outcome = .failed(error)
            }
        }
    }

    var failure: ManagerError? {
        outcome.withLock { if case .failed(let error) = $0 { error } else { nil } }
    }

    func withdraw() {
        outcome.withLock { if case .published(let socket) = $0 { socket.withdraw() } }
    }
}
