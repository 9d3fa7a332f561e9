public import DTMCore

/// Why there is no console.
public struct ConsoleError: DescribedError, Equatable {
    /// What went wrong; equality compares these alone.
    public enum Code: String, Sendable, CaseIterable {
        /// Standard input or output is no terminal.
        case noTerminal
        /// The terminal can't move its cursor, or nobody here knows it.
        case unknownTerminal
        case system
    }

    public let code: Code
    public let message: String
    public let hint: String?
    public var codeName: String { "console.\(code.rawValue)" }
    public var cause: (any Error)? { nil }

    init(_ code: Code, _ message: String, hint: String?) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
