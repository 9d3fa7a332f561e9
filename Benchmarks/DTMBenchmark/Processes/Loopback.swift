import Glibc

/// Ports and connections of 127.0.0.1 that need no event loop.
enum Loopback {
    /// A port that is free now.
    static func freePort() throws(BenchmarkError) -> Int {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        guard withAddress(host: "127.0.0.1", port: 0, { bind(socket, $0, $1) }) == 0 else {
            throw BenchmarkError("bind failed: \(systemError())")
        }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutableBytes(of: &address) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { getsockname(socket, $0.baseAddress, &size) }
        }
        guard code == 0 else { throw BenchmarkError("getsockname failed: \(systemError())") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Whether something accepts at `host:port`, an IPv4 address.
    static func accepts(host: String = "127.0.0.1", port: Int) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
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

    private static func withAddress(host: String, port: Int, _ body: (UnsafePointer<sockaddr>?, socklen_t) -> Int32)
        -> Int32
    {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return withUnsafeBytes(of: &address) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { body($0.baseAddress, socklen_t(bytes.count)) }
        }
    }
}
