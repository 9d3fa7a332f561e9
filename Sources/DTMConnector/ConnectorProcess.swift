public import DTMAPI
import DTMSecrets
import DTMTunnel
import Glibc
import NIOCore
import NIOPosix
import UnixSignals

/// `dtm connect`: a connector in a process of its own.
public struct ConnectorProcess: Sendable {
    private let connector: Connector
    private let group: MultiThreadedEventLoopGroup
    private let notices = ConnectorNotices()

    /// - Parameters:
    ///   - allowsAnyLocal: Serve programs of other users as well.
    ///   - isListening: Called once, when local programs can connect, with the address that they can use.
    public init(
        tunnel: String, offer: ConnectorOffer, allowsAnyLocal: Bool, locator: ControlSocketLocator,
        isListening: @escaping @Sendable (ConnectorOffer) -> Void
    ) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: EventLoops.count)
        connector = Connector(
            tunnel: tunnel, offer: offer, callers: Self.callers(offer, allowsAnyLocal),
            observer: notices, locator: locator, group: group, isListening: isListening)
    }

    /// Serves until SIGINT or SIGTERM, or until the connection of ``ConnectorOffer/stdio`` has ended.
    ///
    /// - Throws: as ``Connector/run()``, and `SecretsError` when this process may lock no memory.
    public func run() async throws {
        // Not waited for: it would wait for goodbyes of servers that may never come.
        defer { group.shutdownGracefully { _ in } }
        if let warning = try MemoryProtection.begin(.prefer).warning { notices.say(warning) }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await connector.run() }
            tasks.addTask { await Self.untilSignalled() }
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
    }

    /// A Unix socket's mode says who can connect, and standard streams are the caller's own.
    private static func callers(_ offer: ConnectorOffer, _ allowsAnyLocal: Bool) -> LoopbackCallers? {
        guard case .tcp = offer, !allowsAnyLocal else { return nil }
        return LoopbackCallers(onlyUser: geteuid())
    }

    private static func untilSignalled() async {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        for await _ in signals { return }
    }
}
