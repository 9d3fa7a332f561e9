public import DTMCore

/// Why a secret could not be held.
public struct SecretsError: DescribedError, Equatable {
    /// What kind of failure it is; equality compares these alone.
    public enum Code: String, Sendable {
        case length, libraryUnavailable, allocation, lockRefused
    }

    /// Which kind.
    public let code: Code
    /// What failed.
    public let message: String
    /// What to do next.
    public let hint: String?

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

    static func lockRefused(_ count: Int) -> Self {
        Self(
            code: .lockRefused, message: "the memory of a secret of \(count) bytes could not be locked",
            hint: "raise the limit on locked memory: ulimit -l, or LimitMEMLOCK= in the unit")
    }
}
