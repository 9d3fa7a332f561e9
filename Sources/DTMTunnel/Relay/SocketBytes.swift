import DTMCore
import Glibc

// In a file that does not import NIO: its own C module claims the members of these structures there.

extension sockaddr_in {
    init(address: UInt32, port: UInt16) {
        self.init()
        sin_family = sa_family_t(AF_INET)
        sin_port = port.bigEndian
        sin_addr.s_addr = address.bigEndian
    }

    var endpoint: Endpoint {
        Endpoint(address: .v4(UInt32(bigEndian: sin_addr.s_addr)), port: UInt16(bigEndian: sin_port))
    }
}

extension sockaddr_in6 {
    init(high: UInt64, low: UInt64, port: UInt16) {
        self.init()
        sin6_family = sa_family_t(AF_INET6)
        sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &sin6_addr) { bytes in
            bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
    }

    var endpoint: Endpoint {
        let address = withUnsafeBytes(of: sin6_addr) { bytes in
            IPAddress.v6(
                high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
        return Endpoint(address: address, port: UInt16(bigEndian: sin6_port))
    }
}

extension sockaddr_un {
    /// Nil for a path that does not fit.
    init?(path: String) {
        let bytes = Array(path.utf8)
        guard bytes.count <= Target.maximumUnixPathBytes else { return nil }
        self.init()
        sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &sun_path) { $0.copyBytes(from: bytes) }
    }
}
