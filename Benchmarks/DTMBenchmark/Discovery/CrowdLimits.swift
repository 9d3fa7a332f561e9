import Glibc

/// Whether this machine lets us make so many processes and sockets.
enum CrowdLimits {
    /// One limit: what it is called, what it leaves, and what is needed.
    struct Limit {
        let name: String
        /// Nil where it does not exist.
        let available: Int?
        let needed: Int
    }

    /// Throws with every limit that is in the way.
    static func check(processes: Int) throws(BenchmarkError) {
        let short = limits(processes: processes).compactMap { limit -> String? in
            guard let available = limit.available, available < limit.needed else { return nil }
            return "\(limit.name) leaves \(available) where \(limit.needed) are needed"
        }
        guard short.isEmpty else {
            throw BenchmarkError("can't make \(processes) processes: \(short.joined(separator: "; "))")
        }
    }

    private static func limits(processes: Int) -> [Limit] {
        // Besides them: the churn, `ss`, and whatever else starts meanwhile.
        let tasks = processes + 256
        let running = ProcFile.processes().count
        return [
            Limit(name: "kernel.pid_max", available: number("/proc/sys/kernel/pid_max", less: running), needed: tasks),
            Limit(
                name: "kernel.threads-max", available: number("/proc/sys/kernel/threads-max", less: running),
                needed: tasks),
            Limit(name: "RLIMIT_NPROC (ulimit -u)", available: processLimit, needed: tasks),
            Limit(name: "pids.max of the control group", available: controlGroupLimit, needed: tasks),
            Limit(name: "MemAvailable, in MB,", available: availableMegabytes, needed: processes / 3),
            Limit(
                name: "net.ipv4.ip_local_port_range", available: freePorts,
                needed: processes * Crowd.socketsPerProcess / 2 + 1_024),
        ]
    }

    /// Of this user; the kernel does not hold root to it (`getrlimit(2)`).
    private static var processLimit: Int? {
        var limit = rlimit()
        guard geteuid() != 0, getrlimit(__rlimit_resource_t(__RLIMIT_NPROC.rawValue), &limit) == 0,
            limit.rlim_cur < Int32.max
        else { return nil }
        return Int(limit.rlim_cur) - ProcFile.processes().count
    }

    private static var controlGroupLimit: Int? {
        let own = ProcFile.read("/proc/self/cgroup")?.split(separator: "\n").first { $0.hasPrefix("0::/") }
        guard let path = own?.dropFirst(3) else { return nil }
        let folder = "/sys/fs/cgroup\(path)"
        return number("\(folder)/pids.max", less: number("\(folder)/pids.current", less: 0) ?? 0)
    }

    private static var availableMegabytes: Int? {
        let line = ProcFile.read("/proc/meminfo")?.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 / 1_024 }
    }

    private static var freePorts: Int? {
        let ends = ProcFile.read("/proc/sys/net/ipv4/ip_local_port_range")?.split { $0.isWhitespace }.compactMap {
            Int($0)
        }
        return ends.flatMap { $0.count == 2 ? $0[1] - $0[0] : nil }
    }

    /// The number in a file; nil when there is none, as where it says `max`.
    private static func number(_ path: String, less used: Int) -> Int? {
        ProcFile.read(path)?.split { $0.isWhitespace }.first.flatMap { Int($0) }.map { $0 - used }
    }
}
