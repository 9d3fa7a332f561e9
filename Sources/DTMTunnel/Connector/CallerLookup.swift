import CDTMLinux
public import DTMCore
public import NIOCore
import NIOPosix

/// The two ends of a local program's connection to a connector, as the kernel names them.
public enum LocalPeer: Hashable, Sendable {
    /// Over TCP: the program's end and ours.
    case tcp(client: Endpoint, server: Endpoint)
    /// Over a Unix socket: who connected (`SO_PEERCRED`, `unix(7)`).
    case unix(pid: Int32, uid: UInt32, gid: UInt32)
}

/// Says whether a local program may use a connector. Called on event loops: it must not block.
public protocol CallerLookup: Sendable {
    /// - Returns: a future on `loop` that succeeds with nil when the connection may go on, and otherwise with why it may
    ///   not. A caller that can't be known may not, and neither may one for whom the future fails.
    func refusal(of peer: LocalPeer, on loop: any EventLoop) -> EventLoopFuture<String?>
}

extension LocalPeer {
    /// Nil when the kernel does not say. Call on the channel's event loop.
    init?(_ channel: any Channel) {
        if let client = Endpoint(channel.remoteAddress), let server = Endpoint(channel.localAddress) {
            self = .tcp(client: client, server: server)
            return
        }
        let found = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            descriptor -> LocalPeer? in
            var pid: Int32 = 0
            var uid: UInt32 = 0
            var gid: UInt32 = 0
            guard dtm_peer_credentials(descriptor, &pid, &uid, &gid) == 0, pid > 0 else { return nil }
            return .unix(pid: pid, uid: uid, gid: gid)
        }
        guard let peer = found.flatMap(\.self) else { return nil }
        self = peer
    }
}
