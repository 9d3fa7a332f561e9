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
    /// The name stands in parentheses and may hold blanks and parentheses itself, so it ends at the last `)`; what follows is
    /// numbers and one letter.
    init?(_ bytes: [UInt8]) {
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
            let close = bytes.lastIndex(of: UInt8(ascii: ")")), open < close,
            let pid: Int32 = ByteFields.decimal(Self.trimmed(bytes[..<open]))
        else { return nil }
        let fields = ByteFields.fields(bytes[(close + 1)...])
        // Counted from the state, which is field 3 of the manual page.
        guard fields.count >= 20, fields[0].count == 1, let letter = fields[0].first,
            let parent: Int32 = ByteFields.decimal(fields[1]),
            let user: UInt64 = ByteFields.decimal(fields[11]), let system: UInt64 = ByteFields.decimal(fields[12]),
            let threads: Int = ByteFields.decimal(fields[17]),
            let start: UInt64 = ByteFields.decimal(Self.trimmed(fields[19]))
        else { return nil }
        self.pid = pid
        name = ByteFields.printable(bytes[(open + 1)..<close])
        state = Self.state(letter)
        self.parent = parent
        cpuTicks = user &+ system
        self.threads = threads
        startTicks = start
    }

    private static func trimmed(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var field = field
        while let last = field.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\n") { field.removeLast() }
        return field
    }

    private static func state(_ letter: UInt8) -> ProcessState {
        switch Unicode.Scalar(letter) {
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
