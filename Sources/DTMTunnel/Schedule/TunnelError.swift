public import DTMCore

/// What can go wrong between a client and the target of a tunnel.
public struct TunnelError: DescribedError, Equatable {
    /// What went wrong, for programs.
    public enum Code: String, Sendable, CaseIterable {
        /// The port range is reversed or holds port 0.
        case scheduleRange
        /// Every port of the range is skipped.
        case scheduleNoPort
        /// The interval is shorter than 200 ms.
        case scheduleInterval
        /// The skipped ports are not strictly ascending.
        case scheduleSkipped
        /// The TLS library asked for a decryption; a tunnel's key signs and nothing else.
        case unsupportedKeyOperation
        /// The server's first bytes are no status frame.
        case malformedStatusFrame
        /// The peer did not shake hands in time.
        case handshakeTimeout
        /// The peer speaks another protocol than `dtm/1`.
        case wrongProtocol
        /// The peer's certificate is not the one expected.
        case peerNotAuthenticated
        /// The server does not accept this client's certificate.
        case identityNotAccepted
        /// This end can take no connection at the moment.
        case notAcceptable
        /// The server refused, with a reason.
        case refused
        /// The server is elsewhere by now.
        case moved
        /// No endpoint accepted in time.
        case noEndpoint
        /// Nothing listens there, or it does not answer.
        case endpointUnreachable
        /// A listening socket could not be had.
        case bind
        /// The local program that connects may not.
        case localCallerRefused
        /// The other side ended before it was due.
        case unexpectedEnd
    }

    /// What errors are compared by.
    public let code: Code
    /// One sentence for people.
    public let message: String
    /// What to do next.
    public let hint: String?
    /// The error that led to this one.
    public let cause: (any Error)?

    /// An error of that kind.
    public init(code: Code, message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    /// `tunnel.` and the code.
    public var codeName: String { "tunnel.\(code.rawValue)" }

    /// Equal codes are equal errors.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    static let unsupportedKeyOperation = Self(
        code: .unsupportedKeyOperation, message: "a tunnel's key signs; it decrypts nothing")
}
