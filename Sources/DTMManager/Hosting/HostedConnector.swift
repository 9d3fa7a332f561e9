import DTMAPI
import DTMConnector
import DTMCore
import DTMSecrets
import DTMTunnel
import NIOCore
import NIOPosix

/// A connector that control runs itself, so that its descriptors belong to nobody else and each connection can be
/// decided by the program behind it.
///
/// It follows its tunnel over the control socket, as every connector does.
struct HostedConnector: Sendable {
    let tunnel: TunnelName
    let offer: ConnectorOffer
    /// Nil: programs of every user, as far as the policy lets them.
    let onlyUser: UInt32?
    let judge: ProgramJudge
    /// This manager's own control socket.
    let controlSocket: String

    /// Serves until the task is cancelled.
    ///
    /// - Throws: as ``Connector/run()``.
    func run(isListening: @escaping @Sendable (ConnectorOffer) -> Void) async throws {
        // A loop of its own: what flows here must not hold up the API.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { group.shutdownGracefully { _ in } }
        let desk = CallerDesk()
        let notices = HostedNotices(tunnel: tunnel, recorder: judge.recorder)
        let connector = Connector(
            tunnel: tunnel.text, offer: offer, callers: desk, observer: notices,
            locator: ControlSocketLocator(candidates: [controlSocket]), group: group
        ) { place in
            if let warning = MemoryProtection.status?.warning { notices.warn(warning) }
            isListening(place)
        }
        let tunnel = tunnel
        try await withThrowingTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                try await connector.run()
                return true
            }
            tasks.addTask {
                await desk.serve { await judge.refusal(of: $0, on: tunnel, onlyUser: onlyUser) }
                return false
            }
            defer { tasks.cancelAll() }
            while try await tasks.next() == false {}
        }
    }
}

/// Turns what a hosted connector meets into events.
struct HostedNotices: ConnectorNoticing {
    let tunnel: TunnelName
    let recorder: EventRecorder
    private let filter = NoticeFilter()

    init(tunnel: TunnelName, recorder: EventRecorder) {
        self.tunnel = tunnel
        self.recorder = recorder
    }

    func say(_ text: String) { record(.notice, text) }

    func warn(_ text: String) { record(.warning, text) }

    func connectionFailed(_ error: any Error) {
        record(.warning, (error as? any DescribedError)?.message ?? "a connection through the tunnel failed")
    }

    /// The judge has recorded it, with the program.
    func callerRefused(_ reason: String) {}

    func acceptingIsPaused(_ isPaused: Bool) {
        record(.warning, isPaused ? "too many open files; accepting pauses" : "accepting again")
    }

    private func record(_ severity: Severity, _ text: String) {
        guard filter.passes(text) else { return }
        recorder.record(Event.Kind.connectorNotice, severity, tunnel: tunnel, ["message": .string(text)])
    }
}
