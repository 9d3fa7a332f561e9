import DTMCore

/// The numbers of `/proc/PID/stat` (`proc_pid_stat(5)`), read without making anything: it is read thousands of times.
struct StatFields: Hashable {
    var pid: Int32
    /// Where the name is.
    var name: Range<Int>
    /// The first bytes of the name, to see whether it changed.
    var nameHead: UInt64
    var nameTail: UInt64
    var state: ProcessState
    var parent: Int32
    /// User and system time, in clock ticks.
    var cpuTicks: UInt64
    var threads: Int
    /// In clock ticks since boot.
    var startTicks: UInt64
    /// 0 where the file ends before.
    var residentPages: UInt64

    /// Nil when `bytes` is not a whole `stat`.
    ///
    /// The name stands in parentheses and may hold blanks and parentheses itself, so it ends at the last `)`; what
    /// follows is numbers and one letter.
    init?(_ bytes: Span<UInt8>) {
        guard let (open, close) = Self.parentheses(bytes) else { return nil }
        var cursor = Cursor(position: 0, end: open)
        guard let pid = cursor.number(bytes), let pid = Int32(exactly: pid), cursor.isAtEnd(bytes) else { return nil }
        cursor = Cursor(position: close + 1, end: bytes.count)
        guard let letter = cursor.letter(bytes), let parent = cursor.number(bytes), let parent = Int32(exactly: parent)
        else { return nil }
        // From field 4 of the manual page to fields 14 and 15, 20, 22 and 24.
        cursor.skip(9, bytes)
        guard let user = cursor.number(bytes), let system = cursor.number(bytes) else { return nil }
        cursor.skip(4, bytes)
        guard let threads = cursor.number(bytes), let threads = Int(exactly: threads) else { return nil }
        cursor.skip(1, bytes)
        guard let start = cursor.number(bytes) else { return nil }
        cursor.skip(1, bytes)
        residentPages = cursor.number(bytes) ?? 0
        self.pid = pid
        name = open + 1..<close
        nameHead = Self.packed(bytes, from: open + 1, to: close)
        nameTail = Self.packed(bytes, from: open + 9, to: close)
        state = Self.state(letter)
        self.parent = parent
        cpuTicks = user &+ system
        self.threads = threads
        startTicks = start
    }

    private static func parentheses(_ bytes: Span<UInt8>) -> (open: Int, close: Int)? {
        var open = 0
        while open < bytes.count, bytes[open] != UInt8(ascii: "(") { open += 1 }
        var close = bytes.count - 1
        while close > open, bytes[close] != UInt8(ascii: ")") { close -= 1 }
        return open < close ? (open, close) : nil
    }

    private static func packed(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> UInt64 {
        var value: UInt64 = 0
        var position = start
        while position < min(end, start + 8) {
            value = value << 8 | UInt64(bytes[position])
            position += 1
        }
        return value
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

    /// Goes from field to field.
    private struct Cursor {
        var position: Int
        let end: Int

        mutating func skipBlanks(_ bytes: Span<UInt8>) {
            while position < end, Self.isBlank(bytes[position]) { position += 1 }
        }

        mutating func isAtEnd(_ bytes: Span<UInt8>) -> Bool {
            skipBlanks(bytes)
            return position >= end
        }

        /// A field of decimal digits; nil for any other, and when it does not fit.
        mutating func number(_ bytes: Span<UInt8>) -> UInt64? {
            skipBlanks(bytes)
            let start = position
            var value: UInt64 = 0
            while position < end, !Self.isBlank(bytes[position]) {
                let digit = bytes[position] &- 0x30
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
                guard digit <= 9, !overflow, !carry else { return nil }
                value = sum
                position += 1
            }
            return position > start ? value : nil
        }

        /// A field of one byte.
        mutating func letter(_ bytes: Span<UInt8>) -> UInt8? {
            skipBlanks(bytes)
            guard position < end, position + 1 >= end || Self.isBlank(bytes[position + 1]) else { return nil }
            position += 1
            return bytes[position - 1]
        }

        mutating func skip(_ count: Int, _ bytes: Span<UInt8>) {
            for _ in 0..<count {
                skipBlanks(bytes)
                while position < end, !Self.isBlank(bytes[position]) { position += 1 }
            }
        }

        private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0a }
    }
}
