public import DTMAPI
import DTMCore
import DTMTunnel
import Glibc
import NIOCore
import NIOPosix
import UnixSignals

/// What a connector offers to local programs.
public enum ConnectorOffer: Hashable, Sendable {
    /// A TCP address; port 0 takes a free one.
    case tcp(host: String, port: UInt16)
    /// A Unix socket, mode 0600.
    case unix(path: String)
    /// Standard input and output, as one connection.
    case stdio
}

/// `dtm connect`: a fixed local address that leads through a tunnel, wherever the tunnel is at the moment.
///
/// Life: construct → ``run()`` until SIGINT or SIGTERM, or until the connection of ``ConnectorOffer/stdio`` has ended.
public struct Connector: Sendable {
    public var tunnel: String
    public var offer: ConnectorOffer
    /// Serve programs of other users as well.
    public var allowsAnyLocal: Bool
    /// Called once, when local programs can connect, with the address that they can use.
    public var isListening: @Sendable (ConnectorOffer) -> Void
    private let locator: ControlSocketLocator

    public init(
        tunnel: String, offer: ConnectorOffer, allowsAnyLocal: Bool, locator: ControlSocketLocator,
        isListening: @escaping @Sendable (ConnectorOffer) -> Void
    ) {
        self.tunnel = tunnel
        self.offer = offer
        self.allowsAnyLocal = allowsAnyLocal
        self.locator = locator
        self.isListening = isListening
    }

    /// - Throws: ``ControlClientError`` when the manager does not let this connector begin, ``ConnectorError`` when the
    ///   local address can't be had, and for ``ConnectorOffer/stdio`` what made its connection fail.
    public func run() async throws {
        try await ControlClient.withClient(at: locator) { client in
            let box = KnowledgeBox()
            let notices = ConnectorNotices()
            let clock = FollowedClock()
            let follower = TunnelFollower(
                tunnel: tunnel, connector: Self.randomName(), client: client, box: box, clock: clock, notices: notices)
            let first = try await follower.begin()
            let group = MultiThreadedEventLoopGroup(numberOfThreads: EventLoops.count)
            let listener = ConnectorListener(
                source: box, observer: notices, callers: callers,
                time: clock, group: group)
            let outcome = await serve(listener, follower, first)
            try? await listener.abortAll().get()
            // Not waited for: it would wait for goodbyes of servers that may never come.
            group.shutdownGracefully { _ in }
            try outcome.get()
        }
    }

    /// A Unix socket's mode says who can connect, and standard streams are the caller's own.
    private var callers: LoopbackCallers? {
        guard case .tcp = offer, !allowsAnyLocal else { return nil }
        return LoopbackCallers(onlyUser: geteuid())
    }

    private func serve(
        _ listener: ConnectorListener, _ follower: TunnelFollower, _ first: ConnectorView
    ) async -> Result<Void, any Error> {
        await withTaskGroup(of: Result<Void, any Error>?.self) { tasks in
            tasks.addTask {
                await follower.run(from: first)
                return nil
            }
            tasks.addTask { await Self.untilSignalled() }
            tasks.addTask { await serveOffer(listener) }
            // The first that has a result decides; the follower alone has none.
            while let result = await tasks.next() {
                if let result {
                    tasks.cancelAll()
                    return result
                }
            }
            return .success(())
        }
    }

    private static func untilSignalled() async -> Result<Void, any Error>? {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        for await _ in signals { return .success(()) }
        return nil
    }

    private func serveOffer(_ listener: ConnectorListener) async -> Result<Void, any Error>? {
        do {
            switch offer {
            case .tcp(let host, let port): try await serveTCP(listener, host, port)
            case .unix(let path): try await serveUnix(listener, path)
            case .stdio: try await serveStandardStreams(listener)
            }
            return .success(())
        } catch is CancellationError {
            return nil
        } catch {
            return .failure(error)
        }
    }

    private func serveTCP(_ listener: ConnectorListener, _ host: String, _ port: UInt16) async throws {
        let channel: any Channel
        do {
            guard let address = IPAddress(host == "localhost" ? "127.0.0.1" : host) else {
                throw ConnectorError(.listen, "\(host) is no IP address", hint: "as --listen 127.0.0.1:6380")
            }
            channel = try await listener.listen(on: Endpoint(address: address, port: port)).get()
        } catch let error as ConnectorError {
            throw error
        } catch {
            throw ConnectorError(
                .listen, "can't listen on \(host):\(port)", hint: "choose another port, or 0 for a free one",
                cause: error)
        }
        isListening(.tcp(host: host, port: UInt16(channel.localAddress?.port ?? Int(port))))
        try await untilCancelled(channel)
    }

    private func serveUnix(_ listener: ConnectorListener, _ path: String) async throws {
        let (socket, descriptor) = try UnixListener.open(path: path)
        defer { socket.remove() }
        let channel = try await listener.adopt(listening: descriptor).get()
        isListening(.unix(path: path))
        try await untilCancelled(channel)
    }

    private func serveStandardStreams(_ listener: ConnectorListener) async throws {
        let streams = try StandardStreams.open()
        isListening(.stdio)
        let ended = listener.relay(input: streams.input, output: streams.output)
        try await withTaskCancellationHandler {
            try await ended.get()
        } onCancel: {
            _ = listener.abortAll()
        }
        try Task.checkCancellation()
        await streams.finish()
    }

    /// Serves until the task is cancelled; then the address is given up.
    private func untilCancelled(_ channel: any Channel) async throws {
        try await withTaskCancellationHandler {
            try await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
        try Task.checkCancellation()
    }

    private static func randomName() -> String {
        var generator = SystemRandomNumberGenerator()
        return Hexadecimal.encode((0..<8).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
}
