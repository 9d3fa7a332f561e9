import DTMCore
import Glibc
import Testing

/// A plain TCP socket with blocking calls, as an ordinary program has. Every call has a deadline.
final class BlockingSocket {
    let descriptor: CInt
    /// Lives as long as the socket: the program that is at its other end.
    private let owner: AnyObject?

    init(adopting descriptor: CInt, patience: Int = 20, owner: AnyObject? = nil) {
        self.descriptor = descriptor
        self.owner = owner
        var timeout = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    convenience init(connectedTo endpoint: Endpoint, patience: Int = 20, owner: AnyObject? = nil) throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "socket: errno \(errno)") }
        var address = sockaddr_in(endpoint)
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard outcome == 0 else {
            let failure = errno
            close(descriptor)
            throw Failure(description: "connect to \(endpoint): errno \(failure)")
        }
        self.init(adopting: descriptor, patience: patience, owner: owner)
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "send: errno \(errno)") }
            sent += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// What comes next; empty at the end.
    ///
    /// - Throws: when the connection was reset or nothing came in time.
    func receive(_ limit: Int = 65_536) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &buffer, limit, 0)
        guard count >= 0 else { throw Failure(description: "receive: errno \(errno)") }
        return Array(buffer.prefix(count))
    }

    /// Exactly `count` bytes, or fewer at the end.
    func receive(exactly count: Int) throws -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count {
            let part = try receive(min(65_536, count - all.count))
            if part.isEmpty { break }
            all += part
        }
        return all
    }

    /// All up to the end, or up to a reset: what a stranger could make of it.
    func receiveWhatComes() -> [UInt8] {
        var all: [UInt8] = []
        while let part = try? receive(), !part.isEmpty { all += part }
        return all
    }

    /// One request and answer of the Redis protocol, inline.
    func ping() throws {
        try send("PING\r\n")
        let answer = String(decoding: try receive(exactly: 7), as: UTF8.self)
        guard answer == "+PONG\r\n" else { throw Failure(description: "the answer to PING is '\(answer)'") }
    }

    func endSending() { shutdown(descriptor, CInt(SHUT_WR)) }
}

extension sockaddr_in {
    init(_ endpoint: Endpoint) {
        self.init()
        sin_family = sa_family_t(AF_INET)
        sin_port = endpoint.port.bigEndian
        if case .v4(let address) = endpoint.address { sin_addr.s_addr = address.bigEndian }
    }
}

/// A listening socket that does nothing else: it holds a port.
final class HeldPort {
    let endpoint: Endpoint
    let descriptor: CInt

    /// - Parameter port: 0 takes a free one.
    init(_ address: IPAddress = .v4(0x7f00_0001), port: UInt16 = 0) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        // As every server does: connections of before, that only wait for their time to pass, hold no port.
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        var bound = sockaddr_in(Endpoint(address: address, port: port))
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let outcome = withUnsafeMutablePointer(to: &bound) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && listen(descriptor, 128) == 0
                    && getsockname(descriptor, pointer, &length) == 0
            }
        }
        guard outcome else {
            let failure = errno
            close(descriptor)
            throw BlockingSocket.Failure(description: "port \(port) can't be had: errno \(failure)")
        }
        endpoint = Endpoint(address: address, port: UInt16(bigEndian: bound.sin_port))
    }

    deinit { close(descriptor) }

    /// A port that was free a moment ago.
    static func free() throws -> UInt16 { try HeldPort().endpoint.port }

    /// The first of `count` adjacent ports that were free a moment ago, outside the range that the kernel hands out.
    static func freeRun(of count: Int) throws -> UInt16 {
        for _ in 0..<200 {
            let first = UInt16.random(in: 20_000...30_000)
            let held = (0..<count).compactMap { try? HeldPort(port: first + UInt16($0)) }
            if held.count == count { return first }
        }
        throw BlockingSocket.Failure(description: "no \(count) adjacent ports are free")
    }
}

/// Whether somebody accepts at a Unix socket.
enum UnixProbe {
    static func answers(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
