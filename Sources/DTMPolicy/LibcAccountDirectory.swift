import Glibc

/// The account database that `nsswitch.conf(5)` configures, through libc (`getpwuid_r(3)`, `getgrouplist(3)`).
///
/// A look-up may read a file or ask a network service, so it takes its time: call it once for a caller.
public struct LibcAccountDirectory: AccountDirectory {
    /// The largest record that is read; one with more members counts as absent.
    private static let maximumRecordBytes = 1 << 20
    /// The kernel's limit on supplementary groups (`NGROUPS_MAX`).
    private static let maximumGroups: Int32 = 65_536

    public init() {}

    public func userName(_ uid: UInt32) -> String? {
        lookUp(passwd.init) {
            getpwuid_r(uid, $0, $1, $2, $3)
        } take: {
            text($0.pw_name)
        } ?? nil
    }

    public func groupName(_ gid: UInt32) -> String? {
        lookUp(group.init) {
            getgrgid_r(gid, $0, $1, $2, $3)
        } take: {
            text($0.gr_name)
        } ?? nil
    }

    public func uid(named name: String) -> UInt32? {
        lookUp(passwd.init) {
            getpwnam_r(name, $0, $1, $2, $3)
        } take: {
            $0.pw_uid
        }
    }

    public func gid(named name: String) -> UInt32? {
        lookUp(group.init) {
            getgrnam_r(name, $0, $1, $2, $3)
        } take: {
            $0.gr_gid
        }
    }

    public func groups(ofUser name: String, primary: UInt32) -> [UInt32] {
        var count: Int32 = 64
        while count <= Self.maximumGroups {
            var groups = [gid_t](repeating: 0, count: Int(count))
            var found = count
            if getgrouplist(name, primary, &groups, &found) >= 0 { return Array(groups.prefix(Int(found))) }
            // Too small: `found` is what it takes, or unchanged with some libraries.
            count = max(found, count * 2)
        }
        return [primary]
    }

    /// Calls one of libc's `_r` functions with a buffer that grows until the record fits.
    private func lookUp<Record, Value>(
        _ empty: () -> Record,
        _ call: (
            UnsafeMutablePointer<Record>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<Record>?>
        )
            -> Int32,
        take: (Record) -> Value
    ) -> Value? {
        var size = 1_024
        while size <= Self.maximumRecordBytes {
            var record = empty()
            var result: UnsafeMutablePointer<Record>?
            let found = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer -> Found<Value> in
                guard let base = buffer.baseAddress else { return .failed }
                let code = call(&record, base, size, &result)
                if code == ERANGE { return .tooSmall }
                // The record's texts lie in `buffer`: take what is wanted while it lives.
                return code == 0 && result != nil ? .value(take(record)) : .failed
            }
            switch found {
            case .value(let value): return value
            case .failed: return nil
            case .tooSmall: size *= 4
            }
        }
        return nil
    }

    private enum Found<Value> {
        case value(Value), failed, tooSmall
    }

    private func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
}
