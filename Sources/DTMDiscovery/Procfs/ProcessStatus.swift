/// What is used of `/proc/PID/status` (`proc_pid_status(5)`).
struct ProcessStatus: Hashable {
    /// The effective ids: the ones that rights are checked against.
    var uid: UInt32
    var gid: UInt32
    /// 0 for a thread of the kernel, which has no memory of its own.
    var residentBytes: UInt64 = 0
    var lockedBytes: UInt64 = 0

    /// Nil when the ids are not there. The first line of a key counts.
    init?(_ bytes: [UInt8]) {
        var user: UInt32?
        var group: UInt32?
        var resident: UInt64?
        var locked: UInt64?
        ByteFields.forEachLine(bytes, limit: 256) { line in
            if let value = Self.value(of: "Uid:", line) { user = user ?? Self.effective(value) }
            if let value = Self.value(of: "Gid:", line) { group = group ?? Self.effective(value) }
            if let value = Self.value(of: "VmRSS:", line) { resident = resident ?? Self.kibibytes(value) }
            if let value = Self.value(of: "VmLck:", line) { locked = locked ?? Self.kibibytes(value) }
        }
        guard let user, let group else { return nil }
        uid = user
        gid = group
        residentBytes = resident ?? 0
        lockedBytes = locked ?? 0
    }

    static func value(of key: StaticString, _ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let isThere = key.withUTF8Buffer { line.starts(with: $0) }
        return isThere ? line.dropFirst(key.utf8CodeUnitCount) : nil
    }

    /// Of real, effective, saved and file-system id.
    private static func effective(_ value: ArraySlice<UInt8>) -> UInt32? {
        var fields = ByteFields.Reader(value)
        fields.skip(1)
        let effective: UInt32? = ByteFields.decimal(fields.next())
        fields.skip(1)
        return fields.next() == nil ? nil : effective
    }

    static func kibibytes(_ value: ArraySlice<UInt8>) -> UInt64 {
        var fields = ByteFields.Reader(value)
        guard let number: UInt64 = ByteFields.decimal(fields.next()) else { return 0 }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1_024)
        return overflow ? .max : bytes
    }
}

/// `/proc/PID/smaps_rollup`: the sum of all mappings.
enum SmapsRollup {
    /// The proportional set size: a page that n processes share counts 1/n in each of them. Nil when it is not told.
    static func proportionalBytes(_ bytes: [UInt8]) -> UInt64? {
        var size: UInt64?
        ByteFields.forEachLine(bytes, limit: 64) { line in
            if let value = ProcessStatus.value(of: "Pss:", line) { size = size ?? ProcessStatus.kibibytes(value) }
        }
        return size
    }
}
