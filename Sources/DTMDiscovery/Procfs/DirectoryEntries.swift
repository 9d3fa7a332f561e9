/// The entries of a folder as `getdents64(2)` hands them out: `struct linux_dirent64`.
enum DirectoryEntries {
    private static let nameOffset = 19

    /// Calls `body` with each name that is a number, and with its inode.
    static func forEachNumber(_ bytes: RawSpan, _ body: (_ number: Int32, _ inode: UInt64) -> Void) {
        var offset = 0
        while bytes.byteCount - offset > nameOffset {
            let length = Int(bytes.half(offset + 16))
            guard length > nameOffset, length <= bytes.byteCount - offset else { return }
            if let number = number(bytes, from: offset + nameOffset, to: offset + length) {
                body(number, bytes.long(offset))
            }
            offset += length
        }
    }

    /// Decimal digits up to a zero byte, and nothing else.
    private static func number(_ bytes: RawSpan, from start: Int, to end: Int) -> Int32? {
        var value: Int32 = 0
        for position in start..<end {
            let byte = bytes.byte(position)
            if byte == 0 { return position > start ? value : nil }
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int32(byte - 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return nil
    }
}

/// What the link of a descriptor says when it is a socket: `socket:[4711]` (`proc_pid_fd(5)`).
enum SocketLink {
    private static let prefix: StaticString = "socket:["

    /// Nil for anything else.
    static func inode(_ bytes: RawSpan) -> UInt64? {
        let start = prefix.utf8CodeUnitCount
        let end = bytes.byteCount - 1
        guard end > start, bytes.byte(end) == UInt8(ascii: "]") else { return nil }
        let matches = prefix.withUTF8Buffer { prefix in prefix.indices.allSatisfy { prefix[$0] == bytes.byte($0) } }
        guard matches else { return nil }
        var value: UInt64 = 0
        for position in start..<end {
            let byte = bytes.byte(position)
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }
}
