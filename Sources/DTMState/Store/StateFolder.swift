import DTMCore
import Glibc

/// One folder of the state. Files in it appear whole or not at all, and durably; nothing is followed out of it.
///
/// A file is written under a temporary name (`O_EXCL`, `O_NOFOLLOW`, 0600), flushed (`fsync(2)`), renamed, and the
/// folder flushed. An error of a flush is final for that file: what the kernel still has of it is not known to be on
/// the disk, and flushing again would not tell (`fsync(2)`, Errors).
final class StateFolder: Sendable {
    let path: String
    private let descriptor: Int32

    /// - Throws: `absent` when it is not there and is not to be made, `io` when it is no folder of this user's alone.
    init(_ path: String, creating: Bool = false) throws(StateError) {
        self.path = path
        if creating, mkdir(path, 0o700) != 0, errno != EEXIST { throw Self.failure(errno, "make the folder", path) }
        descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT {
                throw StateError(.absent, "there is no sealed state at \(path)", hint: "make one: dtm state init")
            }
            throw Self.failure(errno, "open the folder", path)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            close(descriptor)
            throw StateError(
                .io, "\(path) belongs to another user, or others may write to it",
                hint: "chown \(geteuid()) \(path); chmod 700 \(path)")
        }
    }

    deinit { close(descriptor) }

    // MARK: Looking

    /// Sorted; temporary ones are left out.
    func names() throws(StateError) -> [String] {
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let directory = fdopendir(copy) else {
            if copy >= 0 { close(copy) }
            throw Self.failure(errno, "list", path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory), names.count < 65_536 {
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
            let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    func has(_ name: String) -> Bool { faccessat(descriptor, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }

    /// - Throws: `missing`, `io`; `tooLarge` when it is longer than `limit`.
    func read(_ name: String, atMost limit: Int) throws(StateError) -> [UInt8] {
        let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { throw .damaged(.missing, name, "it is not there") }
            throw Self.failure(errno, "open", "\(path)/\(name)")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .damaged(.malformed, name, "it is no ordinary file")
        }
        guard status.st_size <= limit else {
            throw StateError(
                .tooLarge, "\(name) has \(status.st_size) bytes; at most \(limit) are read", hint: StateError.recover)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(status.st_size))
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure(errno, "read", "\(path)/\(name)") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        throw StateError(.tooLarge, "\(name) is growing while it is read", hint: StateError.recover)
    }

    // MARK: Changing

    /// - Throws: `full`, `readOnly`, `io`; whatever had the name before is as it was then.
    func write(_ name: String, _ bytes: [UInt8]) throws(StateError) {
        let temporary = ".new-\(UInt64.random(in: 0 ... .max))"
        let file = openat(descriptor, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure(errno, "write", "\(path)/\(name)") }
        var code = Self.fill(file, bytes)
        if code == 0, fsync(file) != 0 { code = errno }
        if close(file) != 0, code == 0, errno != EINTR { code = errno }
        if code == 0, renameat(descriptor, temporary, descriptor, name) != 0 { code = errno }
        guard code == 0 else {
            unlinkat(descriptor, temporary, 0)
            throw Self.failure(code, "write", "\(path)/\(name)")
        }
        try flush()
    }

    func rename(_ name: String, to other: String) throws(StateError) {
        guard renameat(descriptor, name, descriptor, other) == 0 else {
            throw Self.failure(errno, "rename", "\(path)/\(name)")
        }
        try flush()
    }

    /// Overwrites a file, as far as the file system lets that reach the disk, and removes it.
    func erase(_ name: String) throws(StateError) {
        let file = openat(descriptor, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        if file >= 0 {
            var status = stat()
            if fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 {
                _ = Self.fill(file, [UInt8](repeating: 0, count: Int(min(status.st_size, 1 << 26))))
                fsync(file)
            }
            close(file)
        }
        guard unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
            throw Self.failure(errno, "remove", "\(path)/\(name)")
        }
        try flush()
    }

    /// Removes what a process that was killed left under a temporary name.
    func removeTemporary() {
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let directory = fdopendir(copy) else {
            if copy >= 0 { close(copy) }
            return
        }
        defer { closedir(directory) }
        var stale: [String] = []
        while let entry = readdir(directory), stale.count < 4_096 {
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
            let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
            if name.hasPrefix(".new-") { stale.append(name) }
        }
        for name in stale { unlinkat(descriptor, name, 0) }
    }

    private func flush() throws(StateError) {
        guard fsync(descriptor) == 0 else { throw Self.failure(errno, "flush the folder", path) }
    }

    private static func fill(_ file: Int32, _ bytes: [UInt8]) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : EIO }
            rest = rest.dropFirst(count)
        }
        return 0
    }

    private static func failure(_ code: Int32, _ action: String, _ path: String) -> StateError {
        let reason = String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT:
            return StateError(
                .full, "can't \(action) \(path): \(reason)", hint: "free space there; what is committed is whole")
        case EROFS, EACCES, EPERM:
            return StateError(.readOnly, "can't \(action) \(path): \(reason)", hint: "let this user write there")
        default:
            return StateError(
                .io, "can't \(action) \(path): \(reason)", hint: "check the disk: dmesg; what is committed is whole")
        }
    }
}
