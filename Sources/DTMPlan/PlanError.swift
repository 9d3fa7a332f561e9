public import DTMCore

/// Why a frame could not be made or read, or why a link or channel between two processes of the manager ended.
public struct PlanError: DescribedError, Equatable {
    /// What went wrong; equality compares these alone.
    public enum Code: String, Sendable {
        /// A frame ends in the middle of a field.
        case truncated
        /// A frame goes on after its last field.
        case trailing
        /// A length or a count is out of its bound.
        case size
        /// A number, an order or an enumeration's value is not one of those that are allowed.
        case value
        /// Text is not UTF-8, or holds what it must not.
        case text
        /// The frame's type is unknown in this direction.
        case type
        /// The other side speaks another version of the protocol.
        case version
        /// The first frame is not a hello, or a later one is.
        case hello
        /// A secret would have passed through an ordinary buffer, or could not be held in protected memory.
        case secret
        /// Nothing can be sent any more.
        case closed
        /// The other side does not read, and what must not be dropped has filled the queue.
        case overflow
        /// A system call failed.
        case system
        /// The descriptor is not a socket of the kind that is needed.
        case descriptor
        /// An operation that is allowed once was asked for twice.
        case misuse
    }

    public let code: Code
    /// The field, as `plan.tunnels.target`; nil when the error is not about one.
    public let field: String?
    public let message: String
    public let hint: String?
    public let cause: (any Error)?

    public var codeName: String { "plan.\(code.rawValue)" }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    init(_ code: Code, field: String? = nil, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.field = field
        self.message = message
        self.hint = hint
        self.cause = cause
    }
}

// Errors about a frame.
extension PlanError {
    static func truncated(_ field: StaticString, needed: Int, left: Int) -> Self {
        Self(.truncated, field: "\(field)", "\(field) needs \(needed) bytes and the frame has \(left) left")
    }

    static func trailing(_ count: Int) -> Self {
        Self(.trailing, "the frame has \(count) bytes after its last field; allowed are none")
    }

    static func size(_ bound: PlanBound, _ count: Int) -> Self {
        Self(.size, field: "\(bound.field)", "\(bound.field) is \(count) \(bound.unit); allowed are \(bound.range)")
    }

    static func value(_ field: StaticString, _ value: some BinaryInteger, allowed: String) -> Self {
        Self(.value, field: "\(field)", "\(field) is \(value); allowed: \(allowed)")
    }

    static func order(_ field: StaticString, _ rule: String) -> Self {
        Self(.value, field: "\(field)", "\(field) breaks its rule: \(rule)")
    }

    static func text(_ field: StaticString, _ rule: String) -> Self {
        Self(.text, field: "\(field)", "\(field) breaks its rule: \(rule)")
    }

    static func type(_ type: UInt8) -> Self {
        Self(.type, field: "type", "a frame of the unknown type \(type) came")
    }

    static func version(theirs: UInt16) -> Self {
        Self(
            .version, field: "hello.protocolVersion",
            "the other process speaks version \(theirs) of the plan protocol and this one version \(PlanProtocol.version)",
            hint: "restart the manager, so that all its processes run the same program")
    }

    static func hello(_ what: String) -> Self { Self(.hello, field: "hello", what) }

    static let secretInBuffer = Self(
        .secret, field: "windowKey.key", "a window key may stand in protected memory only, never in an ordinary buffer")

    static func secretLength(_ count: Int) -> Self {
        Self(
            .size, field: "windowKey.key",
            "windowKey.key is \(count) bytes; allowed are \(PlanProtocol.windowKeyBytes)")
    }
}

// Errors of a link or a channel.
extension PlanError {
    static func secretMemory(_ cause: any Error) -> Self {
        Self(.secret, field: "windowKey.key", "a window key could not be held in protected memory", cause: cause)
    }

    static let closed = Self(.closed, "the link to the other process is closed")

    static func overflow(bytes: Int, frames: Int) -> Self {
        Self(
            .overflow, "the other process does not read: \(frames) messages of \(bytes) bytes together wait for it",
            hint: "look whether that process is stopped or starved; the launcher restarts one that ended")
    }

    static func system(_ call: StaticString, _ code: CInt) -> Self {
        Self(.system, "\(call) failed: \(describe(errno: code))")
    }

    static func descriptor(_ number: CInt, _ needed: StaticString) -> Self {
        Self(.descriptor, "descriptor \(number) is not \(needed)")
    }

    static func misuse(_ what: String) -> Self { Self(.misuse, what) }
}
