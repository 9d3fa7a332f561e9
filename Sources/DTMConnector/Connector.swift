public import DTMAPI
import DTMCore
public import DTMTunnel
public import NIOCore

/// What a connector offers to local programs.
public enum ConnectorOffer: Hashable, Sendable {
    /// A TCP address; port 0 takes a free one.
    case tcp(host: String, port: UInt16)
    /// A Unix socket, mode 0600.
    case unix(path: String)
    /// Standard input and output, as one connection.
    case stdio
}

/// A fixed local address that leads through a tunnel, wherever the tunnel is at the moment.
///
/// Life: construct → ``run()`` until its task is cancelled, or until the connection of ``ConnectorOffer/stdio`` has
/// ended.
public struct Connector: Sendable {
    public var tunnel: String
    public var offer: ConnectorOffer
    /// Nil: whoever can reach the local address is served.
    public var callers: (any CallerLookup)?
    public var observer: any ConnectorNoticing
    /// Called once, when local programs can connect, with the address that they can use.
    public var isListening: @Sendable (ConnectorOffer) -> Void
    private let locator: ControlSocketLocator
    private let group: any EventLoopGroup

    /// - Parameters:
    ///   - locator: Finds the manager that the connector follows.
    ///   - group: The event loops that it serves on. The caller ends them, after ``run()``.
    public init(
        tunnel: String, offer: ConnectorOffer, callers: (any CallerLookup)?, observer: any ConnectorNoticing,
        locator: ControlSocketLocator, group: any EventLoopGroup,
        isListening: @escaping @Sendable (ConnectorOffer) -> Void
    ) {
        self.tunnel = tunnel
        self.offer = offer
        self.callers = callers
        self.observer = observer
        self.locator = locator
        self.group = group
        self.isListening = isListening
    }

    /// - Throws: ``ControlClientError`` when the manager does not let this connector begin, ``ConnectorError`` when the
    ///   local address can't be had, and for ``ConnectorOffer/stdio`` what made its connection fail.
    public func run() async throws {
        try await ControlClient.withClient(at: locator) { client in
            let box = KnowledgeBox()
            let clock = FollowedClock()
            let follower = TunnelFollower(
                tunnel: tunnel, connector: Self.randomName(), client: client, box: box, clock: clock, notices: observer)
            let first = try await follower.begin()
            let listener = ConnectorListener(
                source: box, observer: observer, callers: callers, time: clock, group: group)
            let outcome = await serve(listener, follower, first)
            try? await listener.abortAll().get()
            try outcome.get()
        }
    }

    private func serve(
        _ listener: ConnectorListener, _ follower: TunnelFollower, _ first: ConnectorView
    ) async -> Result<Void, any Error> {
        await withTaskGroup(of: Result<Void, any Error>?.self) { tasks in
            tasks.addTask {
                await follower.run(from: first)
                return nil
            }
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
