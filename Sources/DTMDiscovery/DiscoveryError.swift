public import DTMCore

/// Why something about a process or a socket could not be found out.
public struct DiscoveryError: DescribedError, Equatable {
    /// What went wrong.
    public enum Code: String, Sendable {
        case processTableUnreadable, processGone, executableUnreadable, fileUnreadable
    }

    public let code: Code
    public let message: String
    public let hint: String?

    public var codeName: String { "discovery.\(code.rawValue)" }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    static func processTableUnreadable(_ path: String, _ reason: String) -> Self {
        Self(
            code: .processTableUnreadable, message: "the process table at \(path) can't be read: \(reason)",
            hint: "check that /proc is mounted and readable in this namespace")
    }

    static func processGone(_ pid: Int32) -> Self {
        Self(
            code: .processGone, message: "there is no process with PID \(pid)",
            hint: "list what runs with 'dtm apps'")
    }

    static func executableUnreadable(_ pid: Int32, _ reason: String) -> Self {
        Self(
            code: .executableUnreadable, message: "the executable of process \(pid) can't be read: \(reason)",
            hint: "reading other users' executables takes CAP_SYS_PTRACE")
    }

    static func fileUnreadable(_ path: String, _ reason: String) -> Self {
        Self(code: .fileUnreadable, message: "\(path) can't be hashed: \(reason)", hint: nil)
    }
}
