public import DTMCore

/// Why state could not be kept, read or changed. Nothing on disk has changed then, unless the message says so.
public struct StateError: DescribedError, Equatable {
    /// What kind of failure it is; equality compares these alone.
    public enum Code: String, Sendable, CaseIterable {
        /// There is no sealed state here, or there is some already.
        case absent, present
        /// A file is missing, has the wrong shape, or belongs to another instance.
        case missing, malformed, truncated, foreign
        /// The content of a file is not what was committed.
        case modified
        /// Not signed by the key that the commit names.
        case unsigned, foreignSigner
        /// Not the generation it is said to be, or not the one after its predecessor.
        case generation, chain
        /// Older than what this host has already seen.
        case rolledBack
        /// No key slot opens with what was given.
        case locked, noSlot
        /// A passphrase or key that is refused.
        case passphrase, recipient
        /// The disk.
        case io, full, readOnly
        case tooLarge, memory, inUse, slotLimit
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

    /// `state.` and the code.
    public var codeName: String { "state.\(code.rawValue)" }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    static let recover =
        "dtm state verify says what is whole; dtm state recover --generation N goes back to one that is, dtm state "
        + "restore takes a backup"

    /// - Parameter file: The name within the state's folder.
    static func damaged(_ code: Code, _ file: String, _ what: String, cause: (any Error)? = nil) -> Self {
        Self(code, "\(file): \(what)", hint: recover, cause: cause)
    }
}
