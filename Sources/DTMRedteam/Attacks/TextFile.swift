import Glibc

/// A file of `/proc`, whose size nobody knows before it is read.
enum TextFile {
    /// More than `/proc/net/tcp` of 100,000 sockets.
    static let maximumBytes = 16 << 20

    /// - Throws: ``RedteamError`` of code `system`.
    static func read(_ path: String) throws(RedteamError) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw RedteamError(.system, "\(path) can't be read: \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < maximumBytes {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count <= 0 { break }
            bytes += buffer.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
