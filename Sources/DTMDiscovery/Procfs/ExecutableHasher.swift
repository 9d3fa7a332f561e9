import Crypto
import DTMCore
import Glibc

/// What a process runs, byte by byte: the SHA-256 of its executable (FIPS 180-4).
public struct ExecutableDigest: Hashable, Sendable {
    /// 32 bytes.
    public var sha256: [UInt8]
    /// How many bytes were hashed.
    public var size: Int64

    /// 64 hexadecimal digits.
    public var hexadecimal: String { Hexadecimal.encode(sha256) }
}

/// Hashes executables on demand, and remembers the results.
///
/// The file is opened through `/proc/PID/exe`: it is the one that runs, whatever stands at its path by now. A result is
/// used again as long as the file's device, inode, size and times are the same; a process's later exec gets a look of its own. One
/// thread at a time.
public struct ExecutableHasher: ~Copyable {
    private struct Key: Hashable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var modified: [Int]
        var changed: [Int]
    }

    private var reader: ProcfsReader
    private var digests: [Key: ExecutableDigest] = [:]
    private var order: [Key] = []

    /// The most results that are remembered.
    private static let capacity = 1_024
    /// The largest file that is hashed: 2 GiB.
    private static let maximumBytes: Int64 = 1 << 31
    private static let pieceBytes = 1 << 18

    /// - Throws: ``DiscoveryError`` when there is no process file system at `root`.
    public init(root: String = "/proc") throws(DiscoveryError) {
        do {
            reader = try ProcfsReader(root: root)
        } catch {
            throw .processTableUnreadable(root, "\(error)")
        }
    }

    /// The digest of what a process runs.
    ///
    /// - Throws: ``DiscoveryError``: the process is gone or is another one by now, its executable can't be read, is larger than 2 GiB,
    ///   or changed while it was read.
    public mutating func digest(of process: ProcessIdentity) throws(DiscoveryError) -> ExecutableDigest {
        let descriptor = try open(process)
        defer { close(descriptor) }
        do throws(Unreadable) {
            return try digest(of: descriptor)
        } catch {
            throw .executableUnreadable(process.pid, error.reason)
        }
    }

    /// The digest of what stands at a path, a link of `/proc` as well.
    ///
    /// - Throws: ``DiscoveryError/Code/fileUnreadable``: there is no regular file that can be read, it is larger than 2 GiB, or
    ///   it changed while it was read.
    public mutating func digest(ofFileAt path: String) throws(DiscoveryError) -> ExecutableDigest {
        // Not to wait for whoever writes to a pipe that stands there.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw .fileUnreadable(path, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        do throws(Unreadable) {
            return try digest(of: descriptor)
        } catch {
            throw .fileUnreadable(path, error.reason)
        }
    }

    private struct Unreadable: Error {
        let reason: String
    }

    private mutating func digest(of descriptor: Int32) throws(Unreadable) -> ExecutableDigest {
        guard let key = Self.key(descriptor) else { throw Unreadable(reason: "it is no regular file") }
        if let known = digests[key] { return known }
        guard key.size <= Self.maximumBytes else { throw Unreadable(reason: "it is larger than 2 GiB") }
        guard let digest = Self.digest(descriptor), Self.key(descriptor) == key, digest.size == key.size else {
            throw Unreadable(reason: "it changed while it was read")
        }
        remember(key, digest)
        return digest
    }

    /// All through one open folder: a later process of the same PID can't slip in.
    private mutating func open(_ process: ProcessIdentity) throws(DiscoveryError) -> Int32 {
        do throws(ProcfsReader.Failure) {
            let folder = try reader.folder(process.pid)
            let descriptor = try reader.open(folder, "exe")
            try reader.read(folder, "stat")
            let fields = StatFields(reader.buffer.span.extracting(first: reader.count))
            guard fields?.startTicks == process.startTicks else {
                close(descriptor)
                throw ProcfsReader.Failure.gone
            }
            return descriptor
        } catch {
            switch error {
            case .gone: throw .processGone(process.pid)
            case .notPermitted: throw .executableUnreadable(process.pid, "permission denied")
            case .other(let code): throw .executableUnreadable(process.pid, "errno \(code)")
            }
        }
    }

    private static func key(_ descriptor: Int32) -> Key? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Key(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            modified: [status.st_mtim.tv_sec, status.st_mtim.tv_nsec],
            changed: [status.st_ctim.tv_sec, status.st_ctim.tv_nsec])
    }

    /// Nil when reading fails.
    private static func digest(_ descriptor: Int32) -> ExecutableDigest? {
        var hash = SHA256()
        var size: Int64 = 0
        let isWhole = withUnsafeTemporaryAllocation(byteCount: pieceBytes, alignment: 16) { piece in
            while true {
                let count = read(descriptor, piece.baseAddress, piece.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return count == 0 }
                size += Int64(count)
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: piece[..<count]))
                if size > maximumBytes { return false }
            }
        }
        return isWhole ? ExecutableDigest(sha256: Array(hash.finalize()), size: size) : nil
    }

    private mutating func remember(_ key: Key, _ digest: ExecutableDigest) {
        if order.count >= Self.capacity { digests[order.removeFirst()] = nil }
        digests[key] = digest
        order.append(key)
    }
}
