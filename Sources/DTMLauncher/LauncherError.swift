public import DTMCore
import Glibc

/// Why a manager could not be started.
public struct LauncherError: DescribedError, Equatable {
    /// What went wrong; equality compares these alone.
    public enum Code: String, Sendable {
        /// The home's folders can't be made or used.
        case home
        /// Another manager has the home.
        case taken
        /// A process could not be started.
        case spawn
        case system
    }

    public let code: Code
    public let message: String
    public let hint: String?

    public var codeName: String { "launcher.\(code.rawValue)" }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    static func home(_ path: String, _ failure: CInt) -> Self {
        Self(
            code: .home, message: "the home \(path) can't be used: \(systemText(failure))",
            hint: "choose another folder with --home DIR or DTM_HOME, or give yourself the right to write there")
    }

    static func foreign(_ path: String) -> Self {
        Self(
            code: .home, message: "\(path) belongs to another user or is no folder",
            hint: "choose another folder with --home DIR or DTM_HOME")
    }

    static func taken(_ home: String, by pid: pid_t?) -> Self {
        let holder = pid.map { "process \($0)" } ?? "another process"
        return Self(
            code: .taken, message: "a manager runs in \(home) already: \(holder)",
            hint:
                "use it (dtm status --home \(home)), stop it (kill \(pid.map(String.init) ?? "PID")), or give this one another --home"
        )
    }

    static func spawn(_ role: String, _ failure: CInt) -> Self {
        Self(code: .spawn, message: "\(role) could not be started: \(systemText(failure))", hint: nil)
    }

    static func system(_ call: String, _ failure: CInt) -> Self {
        Self(code: .system, message: "\(call) failed: \(systemText(failure))", hint: nil)
    }
}

func systemText(_ code: CInt) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
}
