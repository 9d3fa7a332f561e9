public import DTMCore

/// Why somebody can't be told.
public struct NotifyError: DescribedError, Hashable {
    /// What went wrong; equality of errors is that of their codes.
    public enum Code: String, Hashable, Sendable {
        /// The key that signs can't be had, or is none.
        case key = "notify.key"
        /// The program may not be started, or can't be.
        case command = "notify.command"
    }

    public let code: Code
    public let message: String
    public let hint: String?

    public init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    public var codeName: String { code.rawValue }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
