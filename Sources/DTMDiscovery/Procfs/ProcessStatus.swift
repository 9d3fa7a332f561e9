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
        var values: [String: ArraySlice<UInt8>] = [:]
        for line in ByteFields.lines(bytes, limit: 256) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let key = String(decoding: line[..<colon], as: UTF8.self)
            if Self.keys.contains(key), values[key] == nil { values[key] = line[(colon + 1)...] }
        }
        guard let uid = Self.effective(values["Uid"]), let gid = Self.effective(values["Gid"]) else { return nil }
        self.uid = uid
        self.gid = gid
        residentBytes = Self.kibibytes(values["VmRSS"])
        lockedBytes = Self.kibibytes(values["VmLck"])
    }

    private static let keys: Set = ["Uid", "Gid", "VmRSS", "VmLck"]

    /// Of real, effective, saved and file-system id.
    private static func effective(_ value: ArraySlice<UInt8>?) -> UInt32? {
        let fields = value.map { ByteFields.fields($0) } ?? []
        return fields.count == 4 ? ByteFields.decimal(fields[1]) : nil
    }

    static func kibibytes(_ value: ArraySlice<UInt8>?) -> UInt64 {
        guard let first = value.flatMap({ ByteFields.fields($0).first }),
            let number: UInt64 = ByteFields.decimal(first)
        else { return 0 }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1_024)
        return overflow ? .max : bytes
    }
}

/// `/proc/PID/smaps_rollup`: the sum of all mappings.
enum SmapsRollup {
    /// The proportional set size: a page that n processes share counts 1/n in each of them. Nil when it is not told.
    static func proportionalBytes(_ bytes: [UInt8]) -> UInt64? {
        let key = Array("Pss:".utf8)
        let line = ByteFields.lines(bytes, limit: 64).first { $0.starts(with: key) }
        return line.map { ProcessStatus.kibibytes($0.dropFirst(key.count)) }
    }
}
