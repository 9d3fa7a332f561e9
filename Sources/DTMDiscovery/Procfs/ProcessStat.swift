import DTMCore

/// `/proc/PID/stat` (`proc_pid_stat(5)`).
struct ProcessStat: Hashable {
    var pid: Int32
    /// Printable.
    var name: String
    var state: ProcessState
    var parent: Int32
    /// User and system time, in clock ticks.
    var cpuTicks: UInt64
    var threads: Int
    /// In clock ticks since boot.
    var startTicks: UInt64

    /// Nil when `bytes` is not a whole `stat`.
    init?(_ bytes: [UInt8]) {
        guard let fields = StatFields(bytes.span) else { return nil }
        pid = fields.pid
        name = ByteFields.printable(bytes[fields.name])
        state = fields.state
        parent = fields.parent
        cpuTicks = fields.cpuTicks
        threads = fields.threads
        startTicks = fields.startTicks
    }
}
