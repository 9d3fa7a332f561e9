import DTMCore
import DTMTunnel
import Glibc
import NIOCore

/// Lets programs of one user in, and nobody else: asks the kernel who owns the other end of a loopback connection.
///
/// A connection that the kernel can't attribute is refused.
final class LoopbackCallers: CallerLookup {
    private let uid: uid_t
    private let owners = SocketOwners()

    init(onlyUser uid: uid_t) { self.uid = uid }

    func refusal(of peer: LocalPeer, on loop: any EventLoop) -> EventLoopFuture<String?> {
        // The kernel answers within microseconds.
        switch peer {
        case .tcp(let client, let server): loop.makeSucceededFuture(refusal(client: client, server: server))
        case .unix(_, let owner, _): loop.makeSucceededFuture(refusal(of: owner))
        }
    }

    func refusal(client: Endpoint, server: Endpoint) -> String? {
        guard let owner = owners.owner(of: client, connectedTo: server) else {
            return "the program behind it can't be known; --allow-any-local serves it all the same"
        }
        return refusal(of: owner.uid)
    }

    private func refusal(of owner: UInt32) -> String? {
        owner == uid
            ? nil : "it comes from user \(owner), and only user \(uid) is served (--allow-any-local serves all)"
    }
}
