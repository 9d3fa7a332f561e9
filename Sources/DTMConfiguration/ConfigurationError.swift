public import DTMCore

/// Why there is no configuration. It names all problems of a file at once.
public struct ConfigurationError: DescribedError, Equatable {
    /// What sort of failure it is; a stable name.
    public enum Code: String, Sendable {
        /// The file is not JSON.
        case syntax
        /// The file is JSON and not a configuration.
        case invalid
        /// A file that was named, or that was in force, is not there.
        case notFound
        /// The file can't be opened or read.
        case unreadable
        /// The path leads to a directory, a device, a pipe or a socket.
        case notRegularFile
        /// A file that was searched for is a symbolic link.
        case symbolicLink
        /// The file belongs to another user.
        case foreignOwner
        /// The file's group or everybody may write to it.
        case writableByOthers
        /// The file is longer than the reader takes.
        case tooLarge
        /// The caller could not store the key for the model provider.
        case keyNotStored
    }

    /// What sort of failure it is.
    public let code: Code
    /// The file, or the name of whatever else the configuration came from.
    public let source: String
    /// All problems of the file; empty for failures to read it.
    public let problems: [ConfigurationProblem]
    /// How many more problems there were than are kept.
    public let omittedCount: Int
    /// The error that led to this one.
    public let cause: (any Error)?
    public let hint: String?
    private let summary: String

    init(
        _ code: Code, source: String, summary: String, hint: String? = nil, problems: [ConfigurationProblem] = [],
        omittedCount: Int = 0, cause: (any Error)? = nil
    ) {
        self.code = code
        self.source = source
        self.summary = summary
        self.hint = hint
        self.problems = problems
        self.omittedCount = omittedCount
        self.cause = cause
    }

    /// `configuration.` and the code.
    public var codeName: String { "configuration.\(code.rawValue)" }

    /// A summary, and below it one line for each problem.
    public var message: String {
        let more = omittedCount > 0 ? ["  and \(omittedCount) more"] : []
        return ([summary] + problems.map { "  \($0)" } + more).joined(separator: "\n")
    }

    /// Equality on the code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}

extension ConfigurationError {
    static func syntax(_ failure: JSONFailure, source: String) -> Self {
        let problem = ConfigurationProblem(
            kind: .syntax, keyPath: "", value: failure.found, allowed: failure.allowed, position: failure.position)
        return Self(
            .syntax, source: source, summary: "\(source) is not valid JSON",
            hint: "correct the file and check it with: dtm config validate", problems: [problem])
    }

    static func invalid(_ list: ProblemList, source: String) -> Self {
        let count = list.problems.count + list.omittedCount
        return Self(
            .invalid, source: source, summary: "\(source) has \(count) problem\(count == 1 ? "" : "s")",
            hint: "dtm config default prints every key with its default; check the file with: dtm config validate",
            problems: list.inFileOrder, omittedCount: list.omittedCount)
    }

    static func keyNotStored(source: String, cause: any Error) -> Self {
        Self(
            .keyNotStored, source: source,
            summary: "openai_api_key of \(source) could not be put into protected memory",
            cause: cause)
    }
}
