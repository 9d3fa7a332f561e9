import Glibc

/// Names for users. Discovery asks; the manager may answer from its own account directory.
public protocol UserNames: Sendable {
    /// The name of a user; nil when there is none.
    func name(of uid: UInt32) -> String?
}

/// The names that libc knows (`getpwuid_r(3)`).
public struct LibcUserNames: UserNames {
    public init() {}

    public func name(of uid: UInt32) -> String? {
        var size = 1_024
        while size <= 1 << 20 {
            var record = passwd()
            var result: UnsafeMutablePointer<passwd>?
            let (code, name) = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) {
                buffer -> (Int32, String?) in
                guard let base = buffer.baseAddress else { return (ENOMEM, nil) }
                let code = getpwuid_r(uid, &record, base, buffer.count, &result)
                // The name lies in the buffer.
                return (code, code == 0 && result != nil ? record.pw_name.map { String(cString: $0) } : nil)
            }
            guard code == ERANGE else { return name }
            size *= 4
        }
        return nil
    }
}
