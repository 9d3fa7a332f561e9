import CDTMLinux
import Glibc

/// A Unix socket that only its owner may connect to, and that appears under its name only once that is so.
struct UnixListener {
    let path: String
    private let inode: UInt64

    /// Binds under a temporary name, sets mode 0600, listens, and moves the socket to its name. A socket of that name
    /// that nobody answers at is replaced; anything else there is left alone.
    ///
    /// - Returns: the listener and its descriptor, which belongs to the caller.
    static func open(path: String) throws(ConnectorError) -> (UnixListener, CInt) {
        try clear(path)
        let temporary = "\(path).\(getpid())"
        unlink(temporary)
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure(path, errno) }
        do throws(ConnectorError) {
            try bind(descriptor, temporary, path)
            guard chmod(temporary, 0o600) == 0, listen(descriptor, 1_024) == 0 else { throw failure(path, errno) }
            guard let facts = facts(of: temporary), rename(temporary, path) == 0 else { throw failure(path, errno) }
            return (UnixListener(path: path, inode: facts.inode), descriptor)
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
    }

    /// Removes the name, if it is still this socket's.
    func remove() {
        if Self.facts(of: path)?.inode == inode { unlink(path) }
    }

    /// What is at the path itself, links not followed.
    private static func facts(of path: String) -> dtm_file_facts? {
        var facts = dtm_file_facts()
        return dtm_file_facts(path, 0, &facts) == 0 ? facts : nil
    }

    private static func bind(_ descriptor: CInt, _ temporary: String, _ path: String) throws(ConnectorError) {
        guard var address = sockaddr_un(path: temporary) else {
            throw ConnectorError(
                .listen, "the path \(path) is too long for a Unix socket",
                hint: "\(maximumPathBytes - 8) bytes are the most; use a shorter one")
        }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, length) }
        }
        guard bound == 0 else { throw failure(path, errno) }
    }

    private static func clear(_ path: String) throws(ConnectorError) {
        guard let facts = facts(of: path) else { return }
        guard mode_t(facts.mode) & S_IFMT == S_IFSOCK else {
            throw ConnectorError(.listen, "\(path) exists and is no socket", hint: "choose another path")
        }
        guard !somebodyAnswers(at: path) else {
            throw ConnectorError(.listen, "\(path) is in use by another program", hint: "choose another path")
        }
    }

    private static func somebodyAnswers(at path: String) -> Bool {
        guard var address = sockaddr_un(path: path) else { return false }
        let probe = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return true }
        defer { close(probe) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(probe, $0, length) }
        } == 0
    }

    static let maximumPathBytes = 107

    private static func failure(_ path: String, _ code: CInt) -> ConnectorError {
        ConnectorError(.listen, "can't listen on \(path): \(String(cString: strerror(code)))")
    }
}

extension sockaddr_un {
    fileprivate init?(path: String) {
        let bytes = Array(path.utf8)
        guard bytes.count <= UnixListener.maximumPathBytes else { return nil }
        self.init()
        sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &sun_path) { $0.copyBytes(from: bytes) }
    }
}
