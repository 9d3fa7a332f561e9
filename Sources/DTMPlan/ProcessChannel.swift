import CDTMLinux
import Glibc

/// What the launcher and a process that it started say to each other.
public enum ProcessMessage: ~Copyable, Sendable {
    /// To the child: the socket of a ``PlanLink`` to the other child, which belongs to the receiver from now on.
    case link(OwnedDescriptor)
    /// To the child: end in order, within the drain.
    case drain
    /// To the child: end at once.
    case now
    /// To the child: read the configuration again.
    case reload
    /// To the launcher: started, and serving.
    case ready
    /// To the launcher: the end is for good. Starting it again would only repeat the reason, which has been said.
    case final
}

/// One end of the channel between the launcher and a process that it started: a Unix socket of whole messages.
///
/// A message is one byte, and a descriptor with it when it is a link. Its life: made by the launcher
/// (``SocketPair/messages()``), inherited by the child as descriptor ``childDescriptor``, adopted at both ends, closed
/// when the value ends. The end of a process is the end of its channel.
public struct ProcessChannel: ~Copyable, Sendable {
    /// Where a child finds its end.
    public static let childDescriptor: CInt = 3

    private let socket: OwnedDescriptor

    /// Takes over one end, sets CLOEXEC and blocking mode. The descriptor is closed when this throws.
    ///
    /// - Throws: ``PlanError`` with the code `descriptor` when this is not a Unix socket of whole messages.
    public init(adopting descriptor: consuming OwnedDescriptor) throws(PlanError) {
        try descriptor.prepare(type: CInt(SOCK_SEQPACKET.rawValue), named: "a Unix socket of whole messages")
        socket = descriptor
    }

    /// The descriptor, for `poll(2)` only: readable when ``receive()`` would not wait.
    public var descriptor: CInt { socket.number }

    /// Sends one message. A link's descriptor is closed here once it is on its way, and when sending fails.
    ///
    /// - Throws: ``PlanError`` with the code `closed` when the other process has ended, `system` otherwise.
    public borrowing func send(_ message: consuming ProcessMessage) throws(PlanError) {
        switch consume message {
        case .link(let descriptor): try send(type: 1, descriptor.number)
        case .drain: try send(type: 2)
        case .now: try send(type: 3)
        case .reload: try send(type: 4)
        case .ready: try send(type: 0x81)
        case .final: try send(type: 0x82)
        }
    }

    private borrowing func send(type: UInt8, _ descriptor: CInt = -1) throws(PlanError) {
        let outcome = dtm_send_descriptor(socket.number, type, descriptor)
        if outcome == -EPIPE || outcome == -ECONNRESET { throw .closed }
        if outcome < 0 { throw .system("sendmsg", -outcome) }
    }

    /// Waits for one message; nil when the other process has ended.
    ///
    /// - Throws: ``PlanError``: `type` for an unknown message, `descriptor` for a link without a descriptor or another
    ///   message with one, `system` for a failed call.
    public borrowing func receive() throws(PlanError) -> ProcessMessage? {
        var type: UInt8 = 0
        var number: CInt = -1
        let length = dtm_receive_descriptor(socket.number, &type, 1, &number)
        let attached = number >= 0 ? OwnedDescriptor(adopting: number) : nil
        if length == 0 || length == -Int(ECONNRESET) { return nil }
        guard length > 0 else { throw .system("recvmsg", CInt(-length)) }
        return try Self.message(type: type, attached: attached)
    }

    private static func message(type: UInt8, attached: consuming OwnedDescriptor?) throws(PlanError) -> ProcessMessage {
        if type == 1 {
            guard let descriptor = consume attached else { throw .descriptor(-1, "the socket of a link") }
            return .link(descriptor)
        }
        if let surplus = consume attached { throw .descriptor(surplus.number, "expected with this type of message") }
        switch type {
        case 2: return .drain
        case 3: return .now
        case 4: return .reload
        case 0x81: return .ready
        case 0x82: return .final
        default: throw .type(type)
        }
    }
}
