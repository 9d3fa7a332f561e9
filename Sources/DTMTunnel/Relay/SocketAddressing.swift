import DTMCore
import Glibc
import NIOCore

/// Addresses between DTM and NIO, without a text in between: every connection needs some.
extension Endpoint {
    /// The address as NIO has it.
    var socketAddress: SocketAddress {
        switch address {
        case .v4(let value): SocketAddress(sockaddr_in(address: value, port: port), host: "")
        case .v6(let high, let low): SocketAddress(sockaddr_in6(high: high, low: low, port: port), host: "")
        }
    }

    /// Nil for a Unix socket's address.
    init?(_ address: SocketAddress?) {
        switch address {
        case .v4(let four)?: self = four.address.endpoint
        case .v6(let six)?: self = six.address.endpoint
        default: return nil
        }
    }
}

extension SocketAddress {
    /// A Unix socket's address; nil for a path that does not fit. NIO's own takes 103 bytes where Linux takes 107
    /// (`unix(7)`).
    init?(unixPath path: String) {
        guard let address = sockaddr_un(path: path) else { return nil }
        self.init(address)
    }
}
