import Glibc
import NIOPosix

/// One exchange over a Unix socket, byte by byte as the test wants it.
enum UnixExchange {
    /// Sends the bytes and reads until the other side closes; on a thread of its own, because that waits and the tasks
    /// of the server share their threads with those of the test.
    static func send(_ bytes: [UInt8], to path: String) async throws -> String {
        try await NIOThreadPool.singleton.runIfActive { try exchange(bytes, path) }
    }

    private static func exchange(_ bytes: [UInt8], _ path: String) throws -> String {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw POSIXFailure(code: errno) }
        _ = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer += buffer.prefix(count)
        }
    }
}
