import DTMCore
import DTMDiscovery
import Glibc

/// How it stands with the program that runs.
enum ExecutableState: Hashable, Sendable {
    case same
    /// What stands at its path is another one, or nothing: the next start runs that.
    case replaced(String)
    /// What runs is not what was started.
    case changed(String)
}

/// Compares the program that runs with what it was at the start, and with the file at its path.
///
/// A file is hashed again only when its inode, size or times are others than before, so that a look costs a few system
/// calls. It may wait for a disk: not for an event loop.
struct ExecutableWatch: ~Copyable {
    private var hasher: ExecutableHasher
    private let running: String
    private let path: String?
    private var first: ExecutableDigest?

    /// - Parameters:
    ///   - running: A path that leads to the file that runs, whatever stands at its path.
    ///   - path: Where it was started from; nil: as the kernel says.
    /// - Throws: `DiscoveryError` when there is no process file system.
    init(running: String = "/proc/self/exe", path: String? = nil) throws(DiscoveryError) {
        hasher = try ExecutableHasher()
        self.running = running
        self.path = path ?? Self.origin(of: running)
    }

    /// The first look is what later ones are compared with.
    mutating func look() -> ExecutableState {
        let now: ExecutableDigest
        do throws(DiscoveryError) {
            now = try hasher.digest(ofFileAt: running)
        } catch {
            return .changed("it can't be looked at any more: \(error.message)")
        }
        guard let first else {
            first = now
            return onDisk(now)
        }
        guard now == first else {
            return .changed("SHA-256 \(now.hexadecimal), and at the start \(first.hexadecimal)")
        }
        return onDisk(now)
    }

    private mutating func onDisk(_ now: ExecutableDigest) -> ExecutableState {
        guard let path else { return .same }
        do throws(DiscoveryError) {
            let there = try hasher.digest(ofFileAt: path)
            return there == now
                ? .same : .replaced("\(path) is another program, SHA-256 \(there.hexadecimal); restart to run it")
        } catch {
            return .replaced(error.message)
        }
    }

    /// Where the kernel says that it is. It marks a file that is no longer there, also when another one stands there.
    private static func origin(of running: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.assumingMemoryBound(to: CChar.self).baseAddress.map { readlink(running, $0, bytes.count) } ?? -1
        }
        guard count > 0 else { return nil }
        let path = String(decoding: buffer.prefix(count), as: UTF8.self)
        let mark = " (deleted)"
        return path.hasSuffix(mark) && access(path, F_OK) != 0 ? String(path.dropLast(mark.count)) : path
    }
}
