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

/// Connects to targets. In process here; a process of its own can stand behind it, so that the one that faces the
/// network never calls `connect(2)`.
public protocol TargetDialer: Sendable {
    /// A channel to the target, on `loop`, with `autoRead` off, remote half-closure allowed and a
    /// ``TransportHandler``'s place free.
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
        case .unix(let path): Self.connect(path, on: loop, timeout)
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
        bootstrap(loop, timeout).channelOption(.tcpOption(.tcp_nodelay), value: 1).connect(to: endpoint.socketAddress)
    }

    private static func connect(
        _ path: String, on loop: any EventLoop, _ timeout: TimeAmount
    ) -> EventLoopFuture<any Channel> {
        guard let address = SocketAddress(unixPath: path) else {
            let message = "the target's path is longer than \(Target.maximumUnixPathBytes) bytes"
            return loop.makeFailedFuture(TunnelError(code: .endpointUnreachable, message: message))
        }
        return bootstrap(loop, timeout).connect(to: address)
    }

    private static func bootstrap(_ loop: any EventLoop, _ timeout: TimeAmount) -> ClientBootstrap {
        ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.writeBufferWaterMark, value: RelayTuning.waterMark)
            .channelOption(.recvAllocator, value: RelayTuning.plainReads)
    }
}

/// The sizes that a relay works with.
enum RelayTuning {
    /// When a side stops reading because its partner can't write, in bytes.
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 64 * 1_024, high: 256 * 1_024)
    /// How the application's side is read: what a read buffer begins with is what an idle connection keeps. It grows
    /// with the first read that fills it.
    static let plainReads = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 512, maximum: 65_536)
}
