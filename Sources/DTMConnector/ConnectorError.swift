public import DTMCore

/// Why a connector could not start.
public struct ConnectorError: DescribedError, Equatable {
    /// What went wrong; equality compares these alone.
    public enum Code: String, Sendable {
        /// The local address can't be listened on.
        case listen
        /// Control's answer can't be used.
        case answer
        /// Standard input and output can't be used as a connection.
        case stdio
    }

    public let code: Code
    public let message: String
    public let hint: String?
    public let cause: (any Error)?

    init(_ code: Code, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    public var codeName: String { "connector.\(code.rawValue)" }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
