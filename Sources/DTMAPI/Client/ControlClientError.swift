public import DTMCore

/// Why a call to a manager came to nothing.
public struct ControlClientError: DescribedError, Equatable {
    /// What went wrong; equality compares these alone.
    public enum Code: String, Sendable, CaseIterable {
        /// There is no control socket where one was looked for.
        case noManager
        /// There is a control socket, and nobody answers at it or the answer broke off.
        case unreachable
        /// The control socket belongs to somebody else.
        case untrusted
        /// The kernel or the manager's policy says no.
        case notPermitted
        /// It takes the operator's passphrase, and none was given.
        case passphraseNeeded
        case notFound
        case conflict
        /// The manager says that the request is wrong.
        case usage
        /// The manager says that a configuration is wrong.
        case configuration
        /// The manager did not answer in time.
        case timedOut
        /// What answers does not speak this program's version of the API.
        case incompatible
        /// Anything else that the manager reports.
        case failed
    }

    public let code: Code
    public let codeName: String
    public let message: String
    public let hint: String?
    public let cause: (any Error)?

    init(_ code: Code, name: String? = nil, message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        codeName = name ?? "client.\(code.rawValue)"
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    /// What a program that ends because of this error exits with (`sysexits.h`): 64 usage, 69 no manager, 77 not
    /// permitted, 78 configuration, 1 otherwise.
    public var exitStatus: Int32 {
        switch code {
        case .usage: 64
        case .noManager, .unreachable: 69
        case .untrusted, .notPermitted, .passphraseNeeded: 77
        case .configuration: 78
        case .notFound, .conflict, .timedOut, .incompatible, .failed: 1
        }
    }

    static let startHint = "start a manager: dtm up"

    static func noManager(_ candidates: [String]) -> Self {
        let places = candidates.joined(separator: " nor at ")
        return Self(
            .noManager, message: "no manager is running: there is no control socket at \(places)", hint: startHint)
    }

    static func nobodyAnswers(at path: String, cause: (any Error)? = nil) -> Self {
        Self(
            .unreachable, message: "nobody answers at \(path): the manager that made this socket is gone",
            hint: startHint, cause: cause)
    }

    static func brokenOff(at path: String, cause: (any Error)?) -> Self {
        Self(
            .unreachable, message: "the manager at \(path) went away before it had answered",
            hint: "see whether it is still there: dtm status", cause: cause)
    }

    static func denied(_ path: String) -> Self {
        Self(
            .notPermitted, message: "\(path) may not be opened by this user",
            hint: "use the manager of your own user, or ask its owner")
    }

    static func timedOut(_ path: String, after seconds: Double) -> Self {
        Self(
            .timedOut, message: "the manager at \(path) did not answer within \(seconds) s",
            hint: "look at logs/dtm.json in its home for what it is doing")
    }

    static func incompatible(_ what: String, cause: (any Error)?) -> Self {
        Self(
            .incompatible, message: "the manager's answer to \(what) could not be read",
            hint: "this program and the running manager may differ in version: restart the manager", cause: cause)
    }
}
