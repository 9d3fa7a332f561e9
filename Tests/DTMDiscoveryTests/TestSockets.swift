import DTMCore
import Glibc
import Testing

/// A descriptor that is closed with the value, and by exec.
final class TestSocket {
    private(set) var descriptor: Int32

    init(adopting descriptor: Int32) throws {
        self.descriptor = descriptor
        try #require(descriptor >= 0, "errno \(errno)")
    }

    deinit { end() }

    func end() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    private static func make(_ family: Int32, _ kind: __socket_type = SOCK_STREAM) throws -> TestSocket {
        try TestSocket(adopting: socket(family, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
    }

    /// A listener at a port of the kernel's choice, or at `port`.
    static func listener(at address: IPAddress = .v4(0x7f00_0001), port: UInt16 = 0) throws -> TestSocket {
        let socket = try make(address.isSix ? AF_INET6 : AF_INET)
        var yes: Int32 = 1
        setsockopt(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        try socket.bind(to: Endpoint(address: address, port: port))
        try #require(listen(socket.descriptor, 64) == 0)
        return socket
    }

    static func datagram(at address: IPAddress = .v4(0x7f00_0001)) throws -> TestSocket {
        let socket = try make(address.isSix ? AF_INET6 : AF_INET, SOCK_DGRAM)
        try socket.bind(to: Endpoint(address: address, port: 0))
        return socket
    }

    static func unixListener(_ name: [UInt8]) throws -> TestSocket {
        let socket = try make(AF_UNIX)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(2 + name.count)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(socket.descriptor, $0, length) }
        }
        try #require(bound == 0 && listen(socket.descriptor, 8) == 0, "errno \(errno)")
        return socket
    }

    /// Connected to `endpoint`, from a socket of the family of `address`.
    static func connected(to endpoint: Endpoint) throws -> TestSocket {
        let socket = try make(endpoint.address.isSix ? AF_INET6 : AF_INET)
        let outcome = endpoint.withSocketAddress { Glibc.connect(socket.descriptor, $0, $1) }
        try #require(outcome == 0, "errno \(errno)")
        return socket
    }

    static func pair() throws -> (TestSocket, TestSocket) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        return (try TestSocket(adopting: ends[0]), try TestSocket(adopting: ends[1]))
    }

    func accept() throws -> TestSocket {
        let accepted = try TestSocket(adopting: Glibc.accept(descriptor, nil, nil))
        _ = fcntl(accepted.descriptor, F_SETFD, FD_CLOEXEC)
        return accepted
    }

    private func bind(to endpoint: Endpoint) throws {
        let outcome = endpoint.withSocketAddress { Glibc.bind(descriptor, $0, $1) }
        try #require(outcome == 0, "errno \(errno)")
    }

    var local: Endpoint { name(getsockname) }
    var remote: Endpoint { name(getpeername) }

    var inode: UInt64 {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    private func name(
        _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> Endpoint {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let outcome = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, &length) }
        }
        guard outcome == 0 else { return Endpoint(address: .v4(0), port: 0) }
        return withUnsafeBytes(of: &storage) { bytes in
            let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            if Int32(bytes.loadUnaligned(as: sa_family_t.self)) == AF_INET {
                let address = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                return Endpoint(address: .v4(address), port: port)
            }
            let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            return Endpoint(address: .v6(high: high, low: low), port: port)
        }
    }
}

extension IPAddress {
    var isSix: Bool { if case .v6 = self { true } else { false } }
}

extension Endpoint {
    func withSocketAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var storage = sockaddr_storage()
        let length = withUnsafeMutableBytes(of: &storage) { bytes -> Int in
            bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            switch address {
            case .v4(let value):
                bytes.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self)
                bytes.storeBytes(of: value.bigEndian, toByteOffset: 4, as: UInt32.self)
                return MemoryLayout<sockaddr_in>.size
            case .v6(let high, let low):
                bytes.storeBytes(of: sa_family_t(AF_INET6), as: sa_family_t.self)
                bytes.storeBytes(of: high.bigEndian, toByteOffset: 8, as: UInt64.self)
                bytes.storeBytes(of: low.bigEndian, toByteOffset: 16, as: UInt64.self)
                return MemoryLayout<sockaddr_in6>.size
            }
        }
        return withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }
}

/// A program that runs until the value goes, with some of our descriptors as its own.
final class TestProgram {
    let pid: pid_t

    /// - Parameter descriptors: Ours, which it gets as 3, 4, …
    init(_ path: String, _ arguments: [String], input: TestSocket? = nil, descriptors: [TestSocket] = []) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // A descriptor that already has the wanted number would keep CLOEXEC: go by way of one above all that are given, or one
        // copy would overwrite another's source.
        let high = max(200, (descriptors.map(\.descriptor).max() ?? 0) + 1)
        for (index, socket) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, socket.descriptor, high + Int32(index))
        }
        for index in descriptors.indices {
            posix_spawn_file_actions_adddup2(&actions, high + Int32(index), Int32(3 + index))
            posix_spawn_file_actions_addclose(&actions, high + Int32(index))
        }
        if let input { posix_spawn_file_actions_adddup2(&actions, input.descriptor, 0) }
        var texts = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for text in texts { free(text) } }
        var pid: pid_t = 0
        let outcome = posix_spawn(&pid, path, &actions, nil, &texts, environ)
        try #require(outcome == 0, "posix_spawn: \(outcome)")
        self.pid = pid
    }

    /// One that does nothing.
    static func sleeper(_ descriptors: [TestSocket] = []) throws -> TestProgram {
        try TestProgram("/bin/sleep", ["600"], descriptors: descriptors)
    }

    /// Another one that does nothing.
    static func tail(_ descriptors: [TestSocket] = []) throws -> TestProgram {
        try TestProgram("/usr/bin/tail", ["-f", "/dev/null"], descriptors: descriptors)
    }

    deinit { end() }

    func end() {
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }
}
