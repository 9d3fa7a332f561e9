import DTMCore

/// What is read of one process in one pass.
struct ProcessReading {
    var stat: ProcessStat
    var status: ProcessStatus
    var cgroup: String
    var executable: String?
    var gaps: Set<ApplicationObservation.Gap>

    /// Nil when the process is gone, or was replaced by another of the same PID while it was read.
    init?(pid: Int32, files: ProcessFileSystem) {
        guard let stat = Self.stat(pid, files), let statusBytes = try? files.read("\(pid)/status"),
            let status = ProcessStatus(statusBytes)
        else { return nil }
        self.stat = stat
        self.status = status
        cgroup = ControlGroup.path((try? files.read("\(pid)/cgroup")) ?? [])
        gaps = []
        do {
            executable = Self.withoutDeletion(try files.link("\(pid)/exe"))
        } catch {
            // A thread of the kernel has no executable and answers ENOENT.
            if error == .notPermitted { gaps.insert(.executable) }
        }
        guard Self.stat(pid, files)?.startTicks == stat.startTicks else { return nil }
    }

    private static func stat(_ pid: Int32, _ files: ProcessFileSystem) -> ProcessStat? {
        (try? files.read("\(pid)/stat")).flatMap(ProcessStat.init)
    }

    /// The kernel marks an executable that was replaced on the disk, as by an upgrade.
    static func withoutDeletion(_ path: String) -> String {
        let mark = " (deleted)"
        return path.hasSuffix(mark) ? String(path.dropLast(mark.count)) : path
    }

    var ownApplication: String { ApplicationNames.own(executable: executable, name: stat.name) }
}

/// Names the groups of processes that make one application.
enum ApplicationNames {
    /// The executable's base name; the kernel's name where the path is not known, and where one executable goes by
    /// several names: Debian's redis-server is a link to redis-check-rdb. The kernel's name ends after 15 bytes
    /// (`proc(5)`, comm).
    static func own(executable: String?, name: String) -> String {
        guard let executable, let last = executable.split(separator: "/").last else { return name }
        let base = ByteFields.printable(last.utf8)
        let isLinked = !base.hasPrefix(name) && name.utf8.count < 15 && isProgramName(name)
        let sharesFamily = base.prefix { $0 != "-" } == name.prefix { $0 != "-" }
        return isLinked && sharesFamily ? name : base
    }

    private static func isProgramName(_ name: String) -> Bool {
        name.contains("-")
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || byte == UInt8(ascii: "-")
            }
    }

    /// A name for each process: that of its systemd service's first process, otherwise its own executable's. A
    /// service's helpers thus go by the name of what they serve, and a name stays the same when processes come and go.
    static func names(_ readings: [ProcessReading]) -> [Int32: String] {
        var leaders: [String: ProcessReading] = [:]
        for reading in readings where ControlGroup.service(reading.cgroup) != nil {
            guard let known = leaders[reading.cgroup] else {
                leaders[reading.cgroup] = reading
                continue
            }
            if isEarlier(reading.stat, than: known.stat) { leaders[reading.cgroup] = reading }
        }
        return readings.reduce(into: [:]) { names, reading in
            names[reading.stat.pid] = (leaders[reading.cgroup] ?? reading).ownApplication
        }
    }

    static func isEarlier(_ left: ProcessStat, than right: ProcessStat) -> Bool {
        (left.startTicks, left.pid) < (right.startTicks, right.pid)
    }
}
