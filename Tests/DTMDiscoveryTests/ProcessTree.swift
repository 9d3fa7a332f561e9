import DTMCore
@testable import DTMDiscovery
import FoundationEssentials
import Glibc
import Testing
import Synchronization

/// A small /proc made of ordinary files. It goes when the value does.
final class ProcessTree: Sendable {
    let root: String

    init() throws {
        var template = Array("/tmp/dtm-discovery-XXXXXX".utf8CString)
        let made = mkdtemp(&template)
        root = String(cString: try #require(made))
        mkdir("\(root)/net", 0o755)
        mkdir("\(root)/self", 0o755)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func write(_ path: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)/\(path)"))
    }

    /// One process with its sockets.
    func add(
        pid: Int32, parent: Int32 = 1, name: String, executable: String? = nil, uid: UInt32 = 1000, start: UInt64 = 100,
        cpuTicks: UInt64 = 0, cgroup: String = "/", sockets: [UInt64] = []
    ) throws {
        mkdir("\(root)/\(pid)", 0o755)
        mkdir("\(root)/\(pid)/fd", 0o755)
        try setStat(pid: pid, parent: parent, name: name, start: start, cpuTicks: cpuTicks)
        try write("\(pid)/status", "Uid:\t0\t\(uid)\t0\t0\nGid:\t0\t\(uid)\t0\t0\nVmRSS:\t100 kB\nVmLck:\t8 kB\n")
        try write("\(pid)/smaps_rollup", "Rss: 100 kB\nPss: 60 kB\n")
        try write("\(pid)/cgroup", "0::\(cgroup)\n")
        if let executable { symlink(executable, "\(root)/\(pid)/exe") }
        symlink("/dev/null", "\(root)/\(pid)/fd/0")
        for (index, inode) in sockets.enumerated() { symlink("socket:[\(inode)]", "\(root)/\(pid)/fd/\(index + 3)") }
    }

    func remove(pid: Int32) throws { try FileManager.default.removeItem(atPath: "\(root)/\(pid)") }

    func setStat(pid: Int32, parent: Int32 = 1, name: String, start: UInt64 = 100, cpuTicks: UInt64) throws {
        try write(
            "\(pid)/stat", "\(pid) (\(name)) S \(parent) 1 1 0 -1 0 0 0 0 0 \(cpuTicks) 0 0 0 20 0 2 0 \(start) 0 0\n")
    }

    /// Rows of `net/tcp` or `net/tcp6`; addresses as the kernel writes them.
    func setTable(_ name: String, _ rows: [(local: String, remote: String, state: String, uid: UInt32, inode: UInt64)])
        throws
    {
        let lines = rows.enumerated().map { index, row in
            "\(index): \(row.local) \(row.remote) \(row.state) 00000000:00000000 00:00000000 00000000 \(row.uid) 0 \(row.inode) 1\n"
        }
        try write("net/\(name)", "  sl  local_address ...\n" + lines.joined())
    }
}

struct Names: UserNames {
    func name(of uid: UInt32) -> String? { [0: "root", 1000: "alice"][uid] }
}

/// Time that a test sets.
struct FixedTime: TimeSource {
    let timestamp: Timestamp
    func now() -> Timestamp { timestamp }
}

/// Time that stands still until a test moves it.
final class HeldTime: TimeSource {
    private let time = Mutex(Timestamp(seconds: 1_000))
    func now() -> Timestamp { time.withLock { $0 } }
    func advance(_ duration: Duration) { time.withLock { $0 = $0 + duration } }
}
