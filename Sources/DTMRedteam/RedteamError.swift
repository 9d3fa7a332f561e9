public import DTMCore

/// Why an attack could not be carried out.
public struct RedteamError: DescribedError, Equatable {
    /// What kind of failure it is.
    public enum Code: String, Sendable, CaseIterable {
        /// No network of its own to attack in.
        case network
        /// A process could not be started, or ended before its time.
        case process
        /// What is asked for can't be done.
        case usage
        /// The system refused something.
        case system
    }

    public let code: Code
    public let message: String
    public let hint: String?
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    /// As `redteam.network`.
    public var codeName: String { "redteam.\(code.rawValue)" }

    /// By code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
