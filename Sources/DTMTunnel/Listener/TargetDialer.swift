public import DTMCore
public import NIOCore
import NIOPosix

/// Where the bytes of a tunnel go, with names resolved.
public enum DialTarget: Hashable, Sendable {
    /// Tried in this order.
    case tcp([Endpoint])
    /// A Unix stream socket.
    case unix(path: String)
}

/// Connects to targets. In process here; a process of its own can stand behind it, so that the one that faces the network never
/// calls `connect(2)`.
public protocol TargetDialer: Sendable {
    /// A channel to the target, on `loop`, with `autoRead` off, remote half-closure allowed and a ``TransportHandler``'s place free.
    ///
    /// The future fails with the last address's error when none answers within `timeout` each.
    func dial(_ target: DialTarget, on loop: any EventLoop, timeout: TimeAmount) -> EventLoopFuture<any Channel>
}

/// Connects from this process.
public struct DirectDialer: TargetDialer {
    public init() {}

    public func dial(
        _ target: DialTarget, on loop: any EventLoop, timeout: TimeAmount
    ) -> EventLoopFuture<any Channel> {
        switch target {
        case .unix(let path): Self.bootstrap(loop, timeout).connect(unixDomainSocketPath: path)
        case .tcp(let endpoints): Self.first(of: endpoints[...], on: loop, timeout)
        }
    }

    private static func first(
        of endpoints: ArraySlice<Endpoint>, on loop: any EventLoop, _ timeout: TimeAmount
    ) -> EventLoopFuture<any Channel> {
        guard let endpoint = endpoints.first else {
            return loop.makeFailedFuture(TunnelError(code: .endpointUnreachable, message: "the target has no address"))
        }
        let rest = endpoints.dropFirst()
        let attempt = connect(endpoint, on: loop, timeout)
        guard !rest.isEmpty else { return attempt }
        return attempt.flatMapError { _ in first(of: rest, on: loop, timeout) }
    }

    private static func connect(
        _ endpoint: Endpoint, on loop: any EventLoop, _ timeout: TimeAmount
    ) -> EventLoopFuture<any Channel> {
        do {
            return bootstrap(loop, timeout).channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(to: try endpoint.socketAddress())
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    private static func bootstrap(_ loop: any EventLoop, _ timeout: TimeAmount) -> ClientBootstrap {
        ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.writeBufferWaterMark, value: RelayTuning.waterMark)
    }
}

/// The sizes that a relay works with.
enum RelayTuning {
    /// When a side stops reading because its partner can't write, in bytes.
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 64 * 1_024, high: 256 * 1_024)
}

extension Endpoint {
    /// The address as NIO has it.
    func socketAddress() throws -> SocketAddress {
        try SocketAddress(ipAddress: address.description, port: Int(port))
    }

    /// Nil for a Unix socket's address.
    init?(_ address: SocketAddress?) {
        guard let address, let text = address.ipAddress, let ip = IPAddress(text), let port = address.port else { return nil }
        self.init(address: ip, port: UInt16(truncatingIfNeeded: port))
    }
}
