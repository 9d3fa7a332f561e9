import Glibc

/// What a process uses of the machine.
public struct ProcessResources: Hashable, Sendable {
    public var pid: Int32
    public var residentBytes: UInt64
    /// Pages shared by n processes count 1/n; nil when the rights to read it are missing.
    public var proportionalBytes: UInt64?
    /// Locked against swapping.
    public var lockedBytes: UInt64
    /// User and system time since it started.
    public var cpuTime: Duration

    public init(
        pid: Int32, residentBytes: UInt64, proportionalBytes: UInt64?, lockedBytes: UInt64, cpuTime: Duration
    ) {
        self.pid = pid
        self.residentBytes = residentBytes
        self.proportionalBytes = proportionalBytes
        self.lockedBytes = lockedBytes
        self.cpuTime = cpuTime
    }
}

/// Reads what processes use, as the manager does of its own.
public struct ResourceReader: Sendable {
    /// What several processes use together.
    public struct Total: Hashable, Sendable {
        /// Shared pages counted once: the sum of the proportional sizes, or of the resident ones where those can't be
        /// read.
        public var residentBytes: UInt64
        public var lockedBytes: UInt64
        public var cpuTime: Duration
    }

    private let files: ProcessFileSystem
    private let ticksPerSecond: Int64

    public init(root: String = "/proc") {
        files = ProcessFileSystem(root: root)
        ticksPerSecond = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    }

    /// In the order of `pids`; processes that are gone are left out.
    ///
    /// - Parameter withProportional: Whether the kernel is to walk the pages of each for its proportional size, which
    ///   costs some ten times as much as all the rest.
    public func read(_ pids: [Int32], withProportional: Bool = true) -> [ProcessResources] {
        pids.compactMap { read($0, withProportional) }
    }

    /// The sums over `resources`.
    public static func total(_ resources: [ProcessResources]) -> Total {
        resources.reduce(into: Total(residentBytes: 0, lockedBytes: 0, cpuTime: .zero)) { total, process in
            total.residentBytes &+= process.proportionalBytes ?? process.residentBytes
            total.lockedBytes &+= process.lockedBytes
            total.cpuTime += process.cpuTime
        }
    }

    private func read(_ pid: Int32, _ withProportional: Bool) -> ProcessResources? {
        guard let stat = (try? files.read("\(pid)/stat")).flatMap(ProcessStat.init),
            let status = (try? files.read("\(pid)/status")).flatMap(ProcessStatus.init)
        else { return nil }
        let proportional =
            withProportional ? (try? files.read("\(pid)/smaps_rollup")).flatMap(SmapsRollup.proportionalBytes) : nil
        return ProcessResources(
            pid: pid, residentBytes: status.residentBytes, proportionalBytes: proportional,
            lockedBytes: status.lockedBytes, cpuTime: duration(stat.cpuTicks))
    }

    private func duration(_ ticks: UInt64) -> Duration {
        let seconds = ticks / UInt64(ticksPerSecond)
        let rest = Int64(ticks % UInt64(ticksPerSecond)) * 1_000_000_000 / ticksPerSecond
        return .seconds(Int64(clamping: seconds)) + .nanoseconds(rest)
    }
}
