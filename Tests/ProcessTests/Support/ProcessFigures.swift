import FoundationEssentials
import Glibc
import Testing

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

    /// Open descriptors. Only root may count those of a process that is not dumpable; for anybody else it is the size of
    /// its table (FDSize), which doubles when a leak fills it.
    static func descriptors(of pid: pid_t) throws -> Int {
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count { return open }
        return try #require(statusNumber("FDSize:", of: pid), "process \(pid) shows no descriptors")
    }

    private static func statusNumber(_ key: String, of pid: pid_t) -> Int? {
        let line = text(of: "/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) }
    }

    static func residentBytes(of pid: pid_t) -> Int { (statusNumber("VmRSS:", of: pid) ?? 0) * 1_024 }
}

/// Sums over processes, to be compared with themselves later.
struct Footprint: CustomStringConvertible {
    var descriptors: Int
    var residentBytes: Int

    init(of pids: [pid_t]) throws {
        descriptors = try pids.reduce(0) { try $0 + ProcessFigures.descriptors(of: $1) }
        residentBytes = pids.reduce(0) { $0 + ProcessFigures.residentBytes(of: $1) }
    }

    var description: String { "\(descriptors) descriptors, \(residentBytes / 1_048_576) MiB resident" }
}
