public import DTMCore

/// Why the ladder does not do what it was asked to, or a journal can't be read.
public struct ResponseError: DescribedError, Hashable {
    /// What went wrong; equality of errors is that of their codes.
    public enum Code: String, Hashable, Sendable {
        /// No response has that id.
        case unknown = "response.unknown"
        /// What was asked for goes with another state: it acts already, or is over.
        case state = "response.state"
        /// It can't be taken back.
        case notUndoable = "response.not_undoable"
        /// It would hit what is never hit.
        case protected = "response.protected"
        /// Its budget is used up.
        case budget = "response.budget"
        /// Responses are stopped.
        case stopped = "response.stopped"
        /// A journal ends in the middle.
        case journalTruncated = "response.journal_truncated"
        /// A journal holds what no journal may hold.
        case journalMalformed = "response.journal_malformed"
        /// A journal of a version that this one does not know.
        case journalVersion = "response.journal_version"
        /// A journal is larger than journals get.
        case journalTooLarge = "response.journal_too_large"
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
