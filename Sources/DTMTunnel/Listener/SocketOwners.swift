import CDTMLinux
public import DTMCore
import Glibc
import NIOConcurrencyHelpers

/// Asks the kernel who made the other end of a loopback connection (`sock_diag(7)`): some microseconds, and no rights are
/// needed.
public final class SocketOwners: Sendable {
    private let socket: NIOLockedValueBox<CInt>

    /// Nothing is opened before the first question.
    public init() { socket = NIOLockedValueBox(-1) }

    deinit { socket.withLockedValue { if $0 >= 0 { close($0) } } }

    /// The owner of the client's end; nil when the kernel does not know one.
    ///
    /// - Parameters:
    ///   - client: The program's end.
    ///   - server: Our end.
    public func owner(of client: Endpoint, connectedTo server: Endpoint) -> SocketOwner? {
        var owner = SocketOwner(uid: 0, inode: 0)
        var from = dtm_tcp_address(client)
        var to = dtm_tcp_address(server)
        let outcome = socket.withLockedValue { socket in
            if socket < 0 { socket = dtm_sock_diag_open() }
            return socket < 0 ? socket : dtm_lookup_loopback_owner(socket, &from, &to, &owner.uid, &owner.inode)
        }
        return outcome >= 0 ? owner : nil
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
