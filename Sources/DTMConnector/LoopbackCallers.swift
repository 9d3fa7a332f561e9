import CDTMLinux
import DTMCore
import DTMTunnel
import Glibc
import NIOConcurrencyHelpers
import NIOCore

/// Lets programs of one user in, and nobody else: asks the kernel who owns the other end of a loopback connection
/// (`sock_diag(7)`).
///
/// A connection that the kernel can't attribute is refused.
final class LoopbackCallers: CallerLookup {
    private let uid: uid_t
    private let socket: NIOLockedValueBox<CInt>

    init(onlyUser uid: uid_t) {
        self.uid = uid
        socket = NIOLockedValueBox(dtm_sock_diag_open())
    }

    deinit { socket.withLockedValue { if $0 >= 0 { close($0) } } }

    func refusal(of peer: LocalPeer, on loop: any EventLoop) -> EventLoopFuture<String?> {
        // The kernel answers within microseconds.
        switch peer {
        case .tcp(let client, let server): loop.makeSucceededFuture(refusal(client: client, server: server))
        case .unix(_, let owner, _): loop.makeSucceededFuture(refusal(of: owner))
        }
    }

    func refusal(client: Endpoint, server: Endpoint) -> String? {
        var owner: UInt32 = 0
        var inode: UInt32 = 0
        var from = dtm_tcp_address(client)
        var to = dtm_tcp_address(server)
        let outcome = socket.withLockedValue { dtm_lookup_loopback_owner($0, &from, &to, &owner, &inode) }
        guard outcome >= 0 else {
            return "the program behind it can't be known; --allow-any-local serves it all the same"
        }
        return refusal(of: owner)
    }

    private func refusal(of owner: UInt32) -> String? {
        owner == uid
            ? nil : "it comes from user \(owner), and only user \(uid) is served (--allow-any-local serves all)"
    }
}

extension dtm_tcp_address {
    init(_ endpoint: Endpoint) {
        self.init()
        port = endpoint.port
        switch endpoint.address {
        case .v4(let address): store(address)
        case .v6(0, let low) where low >> 32 == 0xffff:
            // Connections of IPv4 to a listener of both families show as IPv4-mapped (RFC 4291, section 2.5.5.2). The
            // program's own socket is of IPv4, and that is the one to look for.
            store(UInt32(truncatingIfNeeded: low))
        case .v6(let high, let low):
            version = 6
            withUnsafeMutableBytes(of: &bytes) {
                $0.storeBytes(of: high.bigEndian, as: UInt64.self)
                $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
        }
    }

    private mutating func store(_ address: UInt32) {
        version = 4
        withUnsafeMutableBytes(of: &bytes) { $0.storeBytes(of: address.bigEndian, as: UInt32.self) }
    }
}
