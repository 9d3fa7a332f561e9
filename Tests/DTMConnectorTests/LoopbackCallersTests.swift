import DTMCore
import Glibc
import Testing

@testable import DTMConnector

@Suite("Whose program connects")
struct LoopbackCallersTests {
    /// A connection over loopback, and the addresses of its ends as the accepting side sees them.
    private struct Pair {
        let listener: CInt
        let client: CInt
        let served: CInt
        let clientEnd: Endpoint
        let serverEnd: Endpoint

        /// - Parameters:
        ///   - listening: `AF_INET`, or `AF_INET6` for a listener of both families.
        ///   - connecting: the family that the program uses.
        init(listening: CInt, connecting: CInt) throws {
            listener = socket(listening, CInt(SOCK_STREAM.rawValue), 0)
            let port = try Self.listen(listener, listening)
            let program = socket(connecting, CInt(SOCK_STREAM.rawValue), 0)
            client = program
            let to = connecting == AF_INET ? Endpoint("127.0.0.1:\(port)") : Endpoint("[::1]:\(port)")
            var address = sockaddr_storage(try #require(to))
            let outcome = address.withPointer { connect(program, $0, $1) }
            try #require(outcome == 0, "connect: \(errno)")
            served = accept(listener, nil, nil)
            clientEnd = try #require(Endpoint(named: getpeername, of: served))
            serverEnd = try #require(Endpoint(named: getsockname, of: served))
        }

        func end() {
            close(client)
            endOurs()
        }

        /// All but the program's end.
        func endOurs() { for descriptor in [listener, served] { close(descriptor) } }

        private static func listen(_ descriptor: CInt, _ family: CInt) throws -> UInt16 {
            var no: CInt = 0
            if family == AF_INET6 {
                setsockopt(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &no, socklen_t(MemoryLayout<CInt>.size))
            }
            var address = sockaddr_storage(
                try #require(family == AF_INET ? Endpoint("127.0.0.1:0") : Endpoint("[::]:0")))
            let outcome = address.withPointer { bind(descriptor, $0, $1) }
            try #require(outcome == 0 && Glibc.listen(descriptor, 8) == 0, "bind: \(errno)")
            return try #require(Endpoint(named: getsockname, of: descriptor)).port
        }
    }

    @Test(
        "its own user's is let in, another's is not, over IPv4, IPv6 and IPv4 at a listener of both",
        arguments: [(AF_INET, AF_INET), (AF_INET6, AF_INET6), (AF_INET6, AF_INET)])
    func owners(listening: CInt, connecting: CInt) throws {
        let pair = try Pair(listening: listening, connecting: connecting)
        defer { pair.end() }
        #expect(LoopbackCallers(onlyUser: geteuid()).refusal(client: pair.clientEnd, server: pair.serverEnd) == nil)
        let other = LoopbackCallers(onlyUser: geteuid() + 1)
        let refusal = other.refusal(client: pair.clientEnd, server: pair.serverEnd)
        #expect(refusal?.contains("it comes from user \(geteuid())") == true)
    }

    @Test("a connection that nobody has is refused")
    func unknown() throws {
        let pair = try Pair(listening: AF_INET, connecting: AF_INET)
        defer { pair.endOurs() }
        var elsewhere = pair.clientEnd
        elsewhere.port ^= 1
        let callers = LoopbackCallers(onlyUser: geteuid())
        #expect(callers.refusal(client: elsewhere, server: pair.serverEnd)?.contains("can't be known") == true)
        close(pair.client)
        // The program has gone, and the kernel's memory of it is nobody's.
        #expect(callers.refusal(client: pair.clientEnd, server: pair.serverEnd) != nil)
    }
}

extension sockaddr_storage {
    fileprivate init(_ endpoint: Endpoint) {
        self.init()
        withUnsafeMutableBytes(of: &self) { bytes in
            bytes.storeBytes(of: endpoint.port.bigEndian, toByteOffset: 2, as: UInt16.self)
            switch endpoint.address {
            case .v4(let address):
                bytes.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self)
                bytes.storeBytes(of: address.bigEndian, toByteOffset: 4, as: UInt32.self)
            case .v6(let high, let low):
                bytes.storeBytes(of: sa_family_t(AF_INET6), as: sa_family_t.self)
                bytes.storeBytes(of: high.bigEndian, toByteOffset: 8, as: UInt64.self)
                bytes.storeBytes(of: low.bigEndian, toByteOffset: 16, as: UInt64.self)
            }
        }
    }

    fileprivate mutating func withPointer(_ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        let length: socklen_t = ss_family == sa_family_t(AF_INET) ? 16 : 28
        return withUnsafeMutablePointer(to: &self) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}

extension Endpoint {
    /// The end of a socket that `getsockname` or `getpeername` names.
    fileprivate init?(
        named name: (CInt, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> CInt,
        of descriptor: CInt
    ) {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let outcome = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name(descriptor, $0, &length) }
        }
        guard outcome == 0 else { return nil }
        self = withUnsafeBytes(of: address) { bytes in
            let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            guard length > 16 else {
                return Endpoint(
                    address: .v4(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))), port: port
                )
            }
            let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            return Endpoint(address: .v6(high: high, low: low), port: port)
        }
    }
}
