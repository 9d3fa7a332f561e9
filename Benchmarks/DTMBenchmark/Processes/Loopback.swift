import Glibc

/// Ports and connections of 127.0.0.1 that need no event loop.
enum Loopback {
    /// A port that is free now.
    static func freePort() throws(BenchmarkError) -> Int {
        let socket = streamSocket()
        defer { close(socket) }
        return try bindToFreePort(socket)
    }

    /// A listener on a free port. The caller closes it.
    static func listener() throws(BenchmarkError) -> (descriptor: Int32, port: Int) {
        let socket = streamSocket()
        do throws(BenchmarkError) {
            let port = try bindToFreePort(socket)
            guard listen(socket, 64) == 0 else { throw BenchmarkError("listen failed: \(systemError())") }
            return (socket, port)
        } catch {
            close(socket)
            throw error
        }
    }

    /// A connection to `port`, or a negative number. The caller closes it.
    static func connected(port: Int) -> Int32 {
        let socket = streamSocket()
        guard socket >= 0, withAddress(host: "127.0.0.1", port: port, { connect(socket, $0, $1) }) == 0 else {
            if socket >= 0 { close(socket) }
            return -1
        }
        return socket
    }

    /// Accepts a connection and tells the port of its other end. The caller closes it.
    static func accepted(_ listener: Int32) throws(BenchmarkError) -> (descriptor: Int32, port: Int) {
        var address = [UInt8](repeating: 0, count: addressBytes)
        var size = socklen_t(address.count)
        let socket = address.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { accept(listener, $0.baseAddress, &size) }
        }
        guard socket >= 0 else { throw BenchmarkError("accept failed: \(systemError())") }
        return (socket, port(of: address))
    }

    /// Brings the loopback interface up, which in a new network namespace is down: `netdevice(7)`.
    static func bringUp() throws(BenchmarkError) {
        let socket = streamSocket()
        defer { close(socket) }
        // struct ifreq: the name in 16 bytes, then the flags.
        var request = [UInt8](repeating: 0, count: MemoryLayout<ifreq>.size)
        request.replaceSubrange(0..<2, with: "lo".utf8)
        guard ioctl(socket, UInt(SIOCGIFFLAGS), &request) == 0 else {
            throw BenchmarkError("there is no loopback interface: \(systemError())")
        }
        request[16] |= UInt8(IFF_UP)
        guard ioctl(socket, UInt(SIOCSIFFLAGS), &request) == 0 else {
            throw BenchmarkError("can't bring the loopback interface up: \(systemError())")
        }
    }

    private static func streamSocket() -> Int32 {
        socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    private static func bindToFreePort(_ socket: Int32) throws(BenchmarkError) -> Int {
        guard withAddress(host: "127.0.0.1", port: 0, { bind(socket, $0, $1) }) == 0 else {
            throw BenchmarkError("bind failed: \(systemError())")
        }
        var address = [UInt8](repeating: 0, count: addressBytes)
        var size = socklen_t(address.count)
        let code = address.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { getsockname(socket, $0.baseAddress, &size) }
        }
        guard code == 0 else { throw BenchmarkError("getsockname failed: \(systemError())") }
        return port(of: address)
    }

    /// Whether something accepts at `host:port`, an IPv4 address.
    static func accepts(host: String = "127.0.0.1", port: Int) -> Bool {
        let socket = streamSocket()
        guard socket >= 0 else { return false }
        defer { close(socket) }
        return withAddress(host: host, port: port) { connect(socket, $0, $1) } == 0
    }

    /// Waits until `host:port` accepts. Throws when it does not in time.
    static func waitUntilAccepting(port: Int, of name: String, withinMilliseconds limit: Double = 10_000)
        throws(BenchmarkError)
    {
        let clock = Stopwatch()
        while !accepts(port: port) {
            guard clock.milliseconds < limit else {
                throw BenchmarkError("\(name) does not accept at port \(port) after \(Int(limit)) ms")
            }
            usleep(5_000)
        }
    }

    // An address as `ip(7)` has it: the family, then in network order the port and four octets, 16 in all. By offsets, since
    // NIO's own C module claims the members of `sockaddr_in` wherever a part of the module imports it.
    private static let addressBytes = 16

    private static func port(of address: [UInt8]) -> Int { Int(address[2]) << 8 | Int(address[3]) }

    private static func withAddress(host: String, port: Int, _ body: (UnsafePointer<sockaddr>?, socklen_t) -> Int32)
        -> Int32
    {
        var address = [UInt8](repeating: 0, count: addressBytes)
        address.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self)
            bytes.storeBytes(of: UInt16(port).bigEndian, toByteOffset: 2, as: UInt16.self)
            if let start = bytes.baseAddress { inet_pton(AF_INET, host, start + 4) }
        }
        return address.withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { body($0.baseAddress, socklen_t(bytes.count)) }
        }
    }
}
