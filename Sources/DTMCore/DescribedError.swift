/// An error that a person can act on: what went wrong, why, and what to do next.
///
/// Every module has one `struct` of its own that conforms. Two errors of a module are equal when their codes
/// are: code and tests compare codes, people read messages.
public protocol DescribedError: Error, CustomStringConvertible, Sendable {
    /// A stable, dotted name, as `configuration.value`. Scripts may rely on it.
    var codeName: String { get }
    /// One sentence that names what failed, where, and what is allowed. Never holds a secret.
    var message: String { get }
    /// What to do next, when there is something to do.
    var hint: String? { get }
    /// The error that led to this one.
    var cause: (any Error)? { get }
}

extension DescribedError {
    public var hint: String? { nil }
    public var cause: (any Error)? { nil }

    /// The message, with the causes below it, one a line.
    public var description: String {
        guard let cause else { return message }
        return "\(message)\n  because: \(cause)"
    }
}
