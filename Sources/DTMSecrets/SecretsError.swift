public import DTMCore
import Glibc

/// Why a secret could not be held.
public struct SecretsError: DescribedError, Equatable {
    /// What kind of failure it is; equality compares these alone.
    public enum Code: String, Sendable {
        case length, libraryUnavailable, allocation, lockRefused, protectionMissing
    }

    /// Which kind.
    public let code: Code
    /// What failed.
    public let message: String
    /// What to do next.
    public let hint: String?
    /// The kernel's errno, or 0.
    public private(set) var systemCode: Int32 = 0

    init(code: Code, message: String, hint: String?, systemCode: Int32 = 0) {
        self.code = code
        self.message = message
        self.hint = hint
        self.systemCode = systemCode
    }

    /// Whether asking for less would not help either.
    var isForGood: Bool { systemCode == ENOSYS || systemCode == EINVAL }

    /// `secrets.` and the code.
    public var codeName: String { "secrets.\(code.rawValue)" }

    /// Equal when the codes are.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    static func length(_ count: Int) -> Self {
        Self(
            code: .length,
            message: "a secret of \(count) bytes was asked for; allowed are 1 to \(SecretBytes.maximumCount)",
            hint: nil)
    }

    static let libraryUnavailable = Self(
        code: .libraryUnavailable, message: "libsodium could not be initialised",
        hint: "check that /dev/urandom is readable and that libsodium 1.0.18 or later is installed")

    static func allocation(_ count: Int) -> Self {
        Self(
            code: .allocation, message: "no protected memory for a secret of \(count) bytes",
            hint: "free memory, or raise the limit on mappings (sysctl vm.max_map_count)")
    }

    /// The kernel does not give memory of the kind.
    static func mapping(_ backing: MemoryProtection.Backing, _ count: Int, _ code: Int32) -> Self {
        let reason = String(cString: strerror(code))
        switch (backing, code) {
        case (.secret, ENOSYS):
            return Self(
                code: .protectionMissing, message: "the kernel gives no secret memory (memfd_secret: \(reason))",
                hint: "boot a kernel 5.14 or later with secretmem.enable=1, or set memory.protection to \"prefer\"",
                systemCode: code)
        case (_, EPERM), (_, ENOMEM), (_, EAGAIN):
            return Self(
                code: .lockRefused, message: "\(count) bytes for secrets could not be locked in memory: \(reason)",
                hint: "raise the limit on locked memory: ulimit -l, or LimitMEMLOCK= in the unit", systemCode: code)
        default:
            return Self(
                code: .allocation, message: "no protected memory of \(count) bytes: \(reason)",
                hint: "free memory, or raise the limit on mappings (sysctl vm.max_map_count)", systemCode: code)
        }
    }

    /// A process of the manager got no protected memory at all.
    public static func nothingLocked(of process: String, _ code: Int32) -> Self {
        Self(
            code: .lockRefused,
            message: "\(process) got no memory for secrets that is locked: \(String(cString: strerror(code)))",
            hint: "raise the limit on locked memory: ulimit -l, or LimitMEMLOCK= in the unit", systemCode: code)
    }

    /// The same, with who asked for it.
    var required: Self {
        Self(
            code: code, message: "memory.protection is \"require\", and \(message)", hint: hint, systemCode: systemCode)
    }

    /// What is in force is less than the policy asks for.
    ///
    /// - Parameter process: whose secrets they are, as "the data plane".
    public static func protectionMissing(
        of process: String, _ backing: MemoryProtection.Backing, _ code: Int32
    ) -> Self {
        let reason = MemoryProtection.refusal(backing, code).map { " (\($0))" } ?? ""
        return Self(
            code: .protectionMissing,
            message:
                "memory.protection is \"require\", and secrets of \(process) are in \(backing.rawValue) memory\(reason)",
            hint: "boot a kernel 5.14 or later with secretmem.enable=1, raise the limit on locked memory (ulimit -l, "
                + "LimitMEMLOCK=), or set memory.protection to \"prefer\"", systemCode: code)
    }
}
