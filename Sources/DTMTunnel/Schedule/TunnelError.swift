public import DTMCore

/// Why a part of a tunnel could not be set up.
public struct TunnelError: DescribedError, Equatable {
    public enum Code: String, Sendable, CaseIterable {
        /// The port range is reversed or holds port 0.
        case scheduleRange
        /// Every port of the range is skipped.
        case scheduleNoPort
        /// The interval is shorter than 200 ms.
        case scheduleInterval
        /// The skipped ports are not strictly ascending.
        case scheduleSkipped
    }

    public let code: Code
    public let message: String
    public let hint: String?
    public let cause: (any Error)?

    public init(code: Code, message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    public var codeName: String { "tunnel.\(code.rawValue)" }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
