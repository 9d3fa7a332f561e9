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
        var isNew = false
        if creating {
            isNew = FileCall.makeFolder.ask { mkdir(path, 0o700) } == 0
            guard isNew || errno == EEXIST else { throw Self.failure(errno, "make the folder", path) }
        }
        descriptor = FileCall.open.ask { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        guard descriptor >= 0 else {
            if errno == ENOENT {
                throw StateError(.absent, "there is no sealed state at \(path)", hint: "make one: dtm state init")
            }
            throw Self.failure(errno, "open the folder", path)
        }
        // From here on `deinit` closes it, also when something is thrown.
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw StateError(
                .io, "\(path) belongs to another user, or others may write to it",
                hint: "chown \(geteuid()) \(path); chmod 700 \(path)")
        }
        if isNew { try flushAround() }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    // MARK: Looking

    /// The most entries of a folder: more are not ours.
    private static let maximumEntries = 65_536

    /// Sorted; temporary ones, and others that begin with a point, are left out.
    func names() throws(StateError) -> [String] { try entries().filter { !$0.hasPrefix(".") }.sorted() }

    /// - Throws: `io` also when the list breaks off in the middle: a part of it could be taken for an older state.
    private func entries() throws(StateError) -> [String] {
        let copy = FileCall.list.ask { openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard copy >= 0, let directory = fdopendir(copy) else {
            let code = errno
            if copy >= 0 { close(copy) }
            throw Self.failure(code, "list", path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = FileCall.fault?(.list) ?? 0
            guard errno == 0, let entry = readdir(directory) else {
                guard errno == 0 else { throw Self.failure(errno, "list", path) }
                return names
            }
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
            let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
            if name != ".", name != ".." { names.append(name) }
            guard names.count <= Self.maximumEntries else {
                throw StateError(
                    .tooLarge, "\(path) holds more than \(Self.maximumEntries) files",
                    hint: "somebody else put them there: move those away that are not of DTM")
            }
        }
    }

    /// - Throws: `io` when it can't be told: an error must not pass for an absence.
    func has(_ name: String) throws(StateError) -> Bool {
        if FileCall.look.ask({ faccessat(descriptor, name, F_OK, AT_SYMLINK_NOFOLLOW) }) == 0 { return true }
        guard errno == ENOENT else { throw Self.failure(errno, "look at", "\(path)/\(name)") }
        return false
    }

    /// - Throws: `missing`, `io`; `malformed` when it is no ordinary file; `tooLarge` when it is longer than `limit`.
    func read(_ name: String, atMost limit: Int) throws(StateError) -> [UInt8] {
        let file = FileCall.open.ask {
            openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        }
        guard file >= 0 else {
            switch errno {
            case ENOENT: throw .damaged(.missing, name, "it is not there")
            case ELOOP: throw .damaged(.malformed, name, "it is a symbolic link, and none is followed")
            case ENXIO: throw .damaged(.malformed, name, "it is no ordinary file")
            default: throw Self.failure(errno, "open", "\(path)/\(name)")
            }
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
            let count = FileCall.read.ask { Glibc.read(file, &chunk, 65_536) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure(errno, "read", "\(path)/\(name)") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        throw StateError(.tooLarge, "\(name) is growing while it is read", hint: StateError.recover)
    }

    /// When the file's inode changed last, in nanoseconds since 1970: nobody can set that back without setting the clock
    /// (`inode(7)`). One that can't be looked at is the newest.
    func changedAt(_ name: String) -> Int64 {
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return .max }
        return Int64(clamping: status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
    }

    private func isFolder(_ name: String) -> Bool {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// - Throws: `modified` when another folder, or none, has its name now: what is written here would not be found again.
    func requireInPlace() throws(StateError) {
        var own = stat()
        var named = stat()
        guard fstat(descriptor, &own) == 0, lstat(path, &named) == 0, own.st_dev == named.st_dev,
            own.st_ino == named.st_ino
        else {
            throw StateError(
                .modified, "\(path) was moved away or replaced while the manager runs",
                hint: "put it back, or restart the manager")
        }
    }

    // MARK: Changing

    private static let temporaryPrefix = ".new-"

    /// A name that no file has that is finished. ``removeTemporary()`` removes what is left under one.
    static func temporaryName() -> String { temporaryPrefix + String(UInt64.random(in: 0 ... .max)) }

    /// - Throws: `full`, `readOnly`, `io`; whatever had the name before is as it was then, unless ``has(_:)`` says that
    ///   the last step, flushing the folder, is what failed.
    func write(_ name: String, _ bytes: [UInt8]) throws(StateError) {
        let temporary = Self.temporaryName()
        let file = FileCall.open.ask {
            openat(descriptor, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        }
        guard file >= 0 else { throw Self.failure(errno, "write", "\(path)/\(name)") }
        var code = Self.fill(file, bytes)
        if code == 0, FileCall.flush.ask({ fsync(file) }) != 0 { code = errno }
        // It is closed whatever this says.
        let closing = close(file) == 0 ? 0 : errno
        if code == 0, closing != EINTR { code = FileCall.fault?(.close) ?? closing }
        if code == 0, FileCall.rename.ask({ renameat(descriptor, temporary, descriptor, name) }) != 0 { code = errno }
        guard code == 0 else {
            _ = FileCall.remove.ask { unlinkat(descriptor, temporary, 0) }
            throw Self.failure(code, "write", "\(path)/\(name)")
        }
        try flush()
    }

    /// - Throws: `present` when a folder with something in it has the other name.
    func rename(_ name: String, to other: String) throws(StateError) {
        guard FileCall.rename.ask({ renameat(descriptor, name, descriptor, other) }) == 0 else {
            if errno == ENOTEMPTY || errno == EEXIST {
                throw StateError(.present, "there is something at \(path)/\(other) already")
            }
            throw Self.failure(errno, "rename", "\(path)/\(name)")
        }
        try flush()
    }

    /// Overwrites a file, as far as the file system lets that reach the disk, and removes it. It loses its name first, so
    /// that nobody takes what is half overwritten for the file.
    func erase(_ name: String) throws(StateError) {
        let temporary = Self.temporaryName()
        guard FileCall.rename.ask({ renameat(descriptor, name, descriptor, temporary) }) == 0 else {
            if errno == ENOENT { return }
            throw Self.failure(errno, "remove", "\(path)/\(name)")
        }
        try flush()
        let file = FileCall.open.ask { openat(descriptor, temporary, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) }
        if file >= 0 {
            var status = stat()
            if fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 {
                _ = Self.fill(file, [UInt8](repeating: 0, count: Int(min(status.st_size, 1 << 26))))
                _ = FileCall.flush.ask { fsync(file) }
            }
            close(file)
        }
        guard FileCall.remove.ask({ unlinkat(descriptor, temporary, 0) }) == 0 else {
            throw Self.failure(errno, "remove", "\(path)/\(name)")
        }
        try flush()
    }

    /// Removes files, as far as it can, in their order and with one flush for all.
    func remove(_ names: [String]) {
        guard !names.isEmpty else { return }
        for name in names { _ = FileCall.remove.ask { unlinkat(descriptor, name, 0) } }
        try? flush()
    }

    /// Removes what a process that was killed left under a temporary name: files, and folders that were being made.
    func removeTemporary() {
        for name in (try? entries()) ?? [] where Self.isTemporary(name) {
            if FileCall.remove.ask({ unlinkat(descriptor, name, 0) }) != 0, errno == EISDIR { removeFolder(name) }
        }
    }

    private static func isTemporary(_ name: String) -> Bool {
        name.hasPrefix(temporaryPrefix) && UInt64(name.dropFirst(temporaryPrefix.count)) != nil
    }

    /// Removes a folder with its files and those of its folders, which have none themselves, as far as it can.
    func removeFolder(_ name: String, depth: Int = 1) {
        if let inner = try? StateFolder("\(path)/\(name)") {
            for child in (try? inner.entries()) ?? [] {
                if depth > 0, inner.isFolder(child) {
                    inner.removeFolder(child, depth: depth - 1)
                } else {
                    try? inner.erase(child)
                }
            }
        }
        _ = FileCall.remove.ask { unlinkat(descriptor, name, AT_REMOVEDIR) }
        try? flush()
    }

    /// Puts a file into another folder of the same file system, in the place of what has its name there. One that is gone
    /// was put there by somebody else.
    func move(_ name: String, into other: StateFolder) throws(StateError) {
        guard FileCall.rename.ask({ renameat(descriptor, name, other.descriptor, name) }) == 0 else {
            if errno == ENOENT, try other.has(name) { return }
            throw Self.failure(errno, "rename", "\(path)/\(name)")
        }
        try other.flush()
    }

    func flush() throws(StateError) {
        guard FileCall.flush.ask({ fsync(descriptor) }) == 0 else {
            throw Self.failure(errno, "flush the folder", path)
        }
    }

    /// Flushes the folder that this one is in, so that its own name is on the disk. One that may not be read is passed
    /// over: it can't be flushed.
    private func flushAround() throws(StateError) {
        let around = FileCall.open.ask { openat(descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard around >= 0 else {
            if errno == EACCES { return }
            throw Self.failure(errno, "open the folder around", path)
        }
        defer { close(around) }
        guard FileCall.flush.ask({ fsync(around) }) == 0 else {
            throw Self.failure(errno, "flush the folder around", path)
        }
    }

    private static func fill(_ file: Int32, _ bytes: [UInt8]) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = FileCall.write.ask { rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) } }
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
        case ELOOP, ENOTDIR:
            return StateError(
                .io, "can't \(action) \(path): \(reason)", hint: "a folder has to be there, not a link or a file")
        default:
            return StateError(
                .io, "can't \(action) \(path): \(reason)", hint: "check the disk: dmesg; what is committed is whole")
        }
    }
}
