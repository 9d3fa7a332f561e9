import Glibc

/// What the kernel says about a process and all of its descendants.
enum ProcessTree {
    /// The roots that live and their descendants.
    static func members(of roots: [pid_t]) -> [pid_t] {
        let parents = ProcFile.processes().compactMap { pid in ProcStat(pid: pid).map { (pid, $0.parent) } }
        var found = parents.map(\.0).filter(roots.contains)
        var next = 0
        while next < found.count {
            found += parents.filter { $0.1 == found[next] && !found.contains($0.0) }.map(\.0)
            next += 1
        }
        return found
    }

    /// User and system time of the tree in seconds, with that of its members' ended children. proc(5),
    /// `/proc/PID/stat`: the kernel scales the sum to what the scheduler measured, so it is exact to a clock tick (10
    /// ms) for each process.
    static func cpuSeconds(of roots: [pid_t]) -> Double {
        let ticks = members(of: roots).compactMap { ProcStat(pid: $0)?.ticks }.reduce(0, +)
        return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Proportional set size of the tree in bytes: shared pages count once over all processes that map them.
    /// Where the kernel does not let us read that (a process of our own user that is not dumpable), the resident size.
    static func memoryBytes(of roots: [pid_t]) -> Double {
        members(of: roots).map { proportionalBytes(of: $0) ?? residentBytes(of: $0) ?? 0 }.reduce(0, +)
    }

    private static func proportionalBytes(of pid: pid_t) -> Double? {
        guard let text = ProcFile.read("/proc/\(pid)/smaps_rollup") else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("Pss:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }.map { $0 * 1_024 }
    }

    static func residentBytes(of pid: pid_t) -> Double? {
        let fields = ProcFile.read("/proc/\(pid)/statm")?.split(separator: " ")
        return fields?.dropFirst().first.flatMap { Double($0) }.map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) }
    }
}

/// The fields of `/proc/PID/stat` that are needed here.
private struct ProcStat {
    let parent: pid_t
    /// utime + stime + cutime + cstime.
    let ticks: UInt64

    init?(pid: pid_t) {
        // The second field is the name in parentheses, which may hold anything: count from the last parenthesis.
        guard let text = ProcFile.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 14, let parent = pid_t(fields[1]), fields[0] != "Z" else { return nil }
        self.parent = parent
        ticks = fields[11...14].compactMap { UInt64($0) }.reduce(0, +)
    }
}

/// Reading files that have no size, as those of /proc.
enum ProcFile {
    /// The whole file, or nil when it can't be read.
    static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0 { return nil }
            if count == 0 { return String(decoding: result, as: UTF8.self) }
            result += chunk[..<count]
        }
    }

    static func processes() -> [pid_t] { entries(of: "/proc").compactMap { pid_t($0) } }

    /// The names in a directory, with `.` and `..`; none when it is not one. A link to a directory is not one.
    static func entries(of directory: String) -> [String] {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0, let stream = fdopendir(descriptor) else { return [] }
        defer { closedir(stream) }
        var result: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            result.append(name)
        }
        return result
    }

    /// Marks every descriptor of this process but the first three.
    static func closeDescriptorsOnExec() {
        for descriptor in entries(of: "/proc/self/fd").compactMap({ Int32($0) }) where descriptor > 2 {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    /// Replaces the file's content.
    static func write(_ text: String, to path: String) throws(BenchmarkError) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw BenchmarkError("can't write \(path): \(systemError())") }
        defer { close(file) }
        var left = Array(text.utf8)[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw BenchmarkError("can't write \(path): \(systemError())") }
            left = left.dropFirst(count)
        }
    }
}
