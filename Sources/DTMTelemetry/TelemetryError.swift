public import DTMCore

/// Why the log or the journal could not be had.
public struct TelemetryError: DescribedError, Equatable {
    /// What went wrong.
    public enum Code: String, Sendable {
        case directory, file, tooManySubscribers
    }

    public let code: Code
    public let message: String
    public let hint: String?

    public var codeName: String { "telemetry.\(code.rawValue)" }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    static func directory(_ path: String, _ reason: String) -> Self {
        Self(
            code: .directory, message: "the log directory \(path) can't be used: \(reason)",
            hint: "it must be a directory of the manager's user that nobody else may write to: chmod 0700 \(path)")
    }

    static func file(_ path: String, _ reason: String) -> Self {
        Self(
            code: .file, message: "the log \(path) can't be opened: \(reason)",
            hint: "it must be an ordinary file of the manager's user; move away what is there")
    }

    static func tooManySubscribers(_ maximum: Int) -> Self {
        Self(
            code: .tooManySubscribers, message: "\(maximum) readers follow the events already; no more are allowed",
            hint: "end one of the running 'dtm events --follow'")
    }
}
