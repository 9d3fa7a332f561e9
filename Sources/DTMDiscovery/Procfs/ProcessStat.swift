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
    ///
    /// The name stands in parentheses and may hold blanks and parentheses itself, so it ends at the last `)`; what
    /// follows is numbers and one letter.
    init?(_ bytes: [UInt8]) {
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
            let close = bytes.lastIndex(of: UInt8(ascii: ")")), open < close
        else { return nil }
        var before = ByteFields.Reader(bytes[..<open])
        var after = ByteFields.Reader(bytes[(close + 1)...])
        guard let pid: Int32 = ByteFields.decimal(before.next()), before.next() == nil,
            let letter = after.next(), letter.count == 1,
            let parent: Int32 = ByteFields.decimal(after.next())
        else { return nil }
        // From field 4 of the manual page to fields 14 and 15, 20, and 22.
        after.skip(9)
        guard let user: UInt64 = ByteFields.decimal(after.next()),
            let system: UInt64 = ByteFields.decimal(after.next())
        else { return nil }
        after.skip(4)
        guard let threads: Int = ByteFields.decimal(after.next()) else { return nil }
        after.skip(1)
        guard let start: UInt64 = ByteFields.decimal(after.next()) else { return nil }
        self.pid = pid
        name = ByteFields.printable(bytes[(open + 1)..<close])
        state = Self.state(letter.first)
        self.parent = parent
        cpuTicks = user &+ system
        self.threads = threads
        startTicks = start
    }

    private static func state(_ letter: UInt8?) -> ProcessState {
        switch letter.map(Unicode.Scalar.init) {
        case "R": .running
        case "S": .sleeping
        case "D": .waiting
        case "T": .stopped
        case "t": .traced
        case "Z": .zombie
        case "X", "x": .dead
        case "I": .idle
        default: .unknown
        }
    }
}
