import FoundationEssentials
import Glibc

/// What the kernel says about a process: `proc(5)`.
enum ProcessFigures {
    /// When it began; nil when it is gone, or waits only for its parent.
    static func startTicks(of pid: pid_t) -> UInt64? {
        let line = text(of: "/proc/\(pid)/stat")
        // The name in parentheses may hold anything, parentheses as well: the last one ends it.
        guard let end = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return UInt64(fields[19])
    }

    static func isAlive(_ pid: pid_t) -> Bool { startTicks(of: pid) != nil }

    /// Open descriptors; nil without the right to look: only root may, for a process that is not dumpable.
    static func descriptors(of pid: pid_t) -> Int? {
        try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    static func residentBytes(of pid: pid_t) -> Int {
        let line = text(of: "/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1_024
    }
}

/// Sums over processes, to be compared with themselves later.
struct Footprint: CustomStringConvertible {
    var descriptors: Int
    var residentBytes: Int

    init(of pids: [pid_t]) {
        descriptors = pids.reduce(0) { $0 + (ProcessFigures.descriptors(of: $1) ?? 0) }
        residentBytes = pids.reduce(0) { $0 + ProcessFigures.residentBytes(of: $1) }
    }

    var description: String { "\(descriptors) descriptors, \(residentBytes / 1_048_576) MiB resident" }
}
