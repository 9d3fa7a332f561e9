import CDTMLinux
import Glibc

/// The manager's home as the launcher needs it: that it is there, that it is ours, and that nobody else manages in it.
///
/// The lock is held on an open file (`flock(2)`): it ends with this process, however it ends, and is not inherited.
struct ManagerHome: ~Copyable {
    let path: String
    private let lock: CInt

    /// Makes the folders that are missing, with mode 0700, and takes the lock.
    init(path: String) throws(LauncherError) {
        self.path = path
        try Self.makeFolder(path)
        try Self.makeFolder("\(path)/run")
        let file = "\(path)/run/manager.lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .home(path, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.firstNumber(of: descriptor)
            close(descriptor)
            throw .taken(path, by: holder)
        }
        lock = descriptor
        write(getpid())
    }

    deinit {
        ftruncate(lock, 0)
        close(lock)
    }

    /// Whom the next one is told about.
    private func write(_ pid: pid_t) {
        let text = "\(pid)\n"
        ftruncate(lock, 0)
        _ = text.withCString { pwrite(lock, $0, strlen($0), 0) }
    }

    private static func firstNumber(of descriptor: CInt) -> pid_t? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return pid_t(String(decoding: bytes.prefix(count).prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
    }

    /// Makes a folder, with those above it, or checks that what is there is ours. Others lose their rights to it.
    private static func makeFolder(_ path: String) throws(LauncherError) {
        if mkdir(path, 0o700) == 0 { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeParents(String(path[..<slash]))
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .home(path, errno) }
        } else if errno != EEXIST {
            throw .home(path, errno)
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw .home(path, errno) }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else { throw .foreign(path) }
        if status.st_mode & 0o077 != 0, chmod(path, 0o700) != 0 { throw .home(path, errno) }
        guard access(path, W_OK | X_OK) == 0 else { throw .home(path, errno) }
    }

    private static func makeParents(_ path: String) throws(LauncherError) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .home(path, errno)
        }
        try makeParents(String(path[..<slash]))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw .home(path, errno) }
    }
}
