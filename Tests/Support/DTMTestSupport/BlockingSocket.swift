package import DTMCore
package import Glibc
import Testing

/// A plain TCP socket with blocking calls, as an ordinary program has. Every call has a deadline of fifteen seconds.
package final class BlockingSocket {
    package let descriptor: CInt

    package init(adopting descriptor: CInt) {
        self.descriptor = descriptor
        var timeout = timeval(tv_sec: 15, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    package convenience init(connectedTo endpoint: Endpoint) throws {
        self.init(adopting: socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0))
        try connect(to: endpoint)
    }

    /// Asks for a connection and does not wait for it.
    package init(connecting endpoint: Endpoint) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
        _ = startConnecting(to: endpoint)
    }

    package func connect(to endpoint: Endpoint) throws {
        let outcome = startConnecting(to: endpoint)
        try #require(outcome == 0, "connect: \(errno)")
    }

    /// Whether nobody listens there.
    package static func isRefused(at endpoint: Endpoint) -> Bool {
        let socket = BlockingSocket(adopting: Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0))
        return socket.startConnecting(to: endpoint) != 0
    }

    private func startConnecting(to endpoint: Endpoint) -> CInt {
        var address = sockaddr_in(endpoint)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            try #require(count > 0, "send: \(errno)")
            sent += count
        }
    }

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// What comes next, at most `limit` bytes; empty at the end; nil when the connection was reset or nothing came in
    /// time.
    package func receive(_ limit: Int = 65_536) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &buffer, limit, 0)
        if count < 0, errno == EAGAIN { Issue.record("nothing came in time") }
        return count < 0 ? nil : Array(buffer.prefix(count))
    }

    /// Exactly `count` bytes, or fewer at the end; nil when it was reset.
    package func receive(exactly count: Int) -> [UInt8]? {
        var all: [UInt8] = []
        while all.count < count {
            guard let part = receive(min(65_536, count - all.count)) else { return nil }
            if part.isEmpty { break }
            all += part
        }
        return all
    }

    /// All up to the end; nil when it was reset.
    package func receiveAll() -> [UInt8]? { receive(exactly: .max) }

    package func endSending() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Breaks the connection off: the peer sees a reset.
    package func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        let nothing = open("/dev/null", O_RDONLY)
        dup2(nothing, descriptor)
        close(nothing)
    }
}

/// A plain server that hands out its connections one by one.
package final class BlockingServer {
    /// Zeros for a Unix socket.
    package let endpoint: Endpoint
    /// Empty for TCP.
    package let path: String
    private let descriptor: CInt

    package init(at address: IPAddress = .v4(0x7f00_0001), port: UInt16 = 0, backlog: CInt = 512) throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var bound = sockaddr_in(Endpoint(address: address, port: port))
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let outcome = withUnsafeMutablePointer(to: &bound) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && listen(descriptor, backlog) == 0
                    && getsockname(descriptor, pointer, &length) == 0
            }
        }
        try #require(outcome, "bind: \(errno)")
        endpoint = Endpoint(address: address, port: UInt16(bigEndian: bound.sin_port))
        path = ""
        Self.limitWaiting(descriptor)
    }

    package init(path: String) throws {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        self.path = path
        endpoint = Endpoint(address: .v4(0), port: 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(descriptor, 512) == 0
            }
        }
        try #require(outcome, "bind: \(errno)")
        Self.limitWaiting(descriptor)
    }

    private static func limitWaiting(_ descriptor: CInt) {
        var timeout = timeval(tv_sec: 15, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
        if !path.isEmpty { unlink(path) }
    }

    package func accept() throws -> BlockingSocket {
        let connection = Glibc.accept(descriptor, nil, nil)
        try #require(connection >= 0, "accept: \(errno)")
        return BlockingSocket(adopting: connection)
    }

    /// Whether a connection waits, without waiting for one.
    package var hasVisitor: Bool {
        var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&interest, 1, 0) > 0
    }
}

extension sockaddr_in {
    package init(_ endpoint: Endpoint) {
        self.init()
        sin_family = sa_family_t(AF_INET)
        sin_port = endpoint.port.bigEndian
        if case .v4(let address) = endpoint.address { sin_addr.s_addr = address.bigEndian }
    }
}

/// Waits until a condition holds, for at most `limit`.
package func eventually(_ limit: Duration = .seconds(5), _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try condition() { return true }
        sched_yield()
        var pause = pollfd()
        poll(&pause, 0, 2)
    }
    return try condition()
}
