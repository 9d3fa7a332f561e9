import Glibc

/// Reads below `/proc`, or below a copy of it. Thin: what the bytes mean is decided by the parsers.
struct ProcessFileSystem: Sendable {
    let root: String

    /// Why something was not read.
    enum Failure: Error, Equatable {
        /// Processes end at any time; that is no error.
        case gone
        case notPermitted
        case other(Int32)

        init(_ code: Int32) {
            switch code {
            case ENOENT, ESRCH, ENOTDIR: self = .gone
            case EACCES, EPERM: self = .notPermitted
            default: self = .other(code)
            }
        }
    }

    /// The bytes of a file; those beyond `limit` are left unread.
    func read(_ path: String, limit: Int = 1 << 16) throws(Failure) -> [UInt8] {
        let descriptor = open("\(root)/\(path)", O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw Failure(errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        // Most files of /proc fit into one page; the tables of sockets do not.
        var size = 4_096
        while bytes.count < limit {
            let wanted = min(size, limit - bytes.count)
            var result = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                repeat {
                    result = Glibc.read(descriptor, buffer.baseAddress, wanted)
                } while result < 0 && errno == EINTR
                count = max(0, result)
            }
            guard result >= 0 else { throw Failure(errno) }
            if chunk.isEmpty { break }
            if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
            size = 1 << 16
        }
        return bytes
    }
}
