import CDTMLinux
import Glibc

/// A socket on which the kernel tells of processes: open → drained again and again → closed with the value.
///
/// Only in the first user, PID and network namespaces, and before Linux 6.6 only with CAP_NET_ADMIN; elsewhere opening it fails.
/// What waits is bounded by the kernel's buffer; when that was too small, or the kernel had no memory, hints say that they are lossy.
struct ProcessEventChannel: ~Copyable {
    typealias Failure = SockDiagChannel.Failure

    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: bufferBytes)

    /// An event has 76 bytes.
    private static let bufferBytes = 4_096
    /// The events that may wait, in bytes. The kernel takes twice as much (`socket(7)`), which is enough for some 500: where more
    /// happens in a second, a list of processes costs less than to be told.
    private static let waitingBytes: Int32 = 192 << 10
    /// The most datagrams that are read at once, so that whoever starts processes as fast as he can does not hold up a look.
    private static let maximumDatagrams = 1 << 10

    /// - Throws: `Failure` where the kernel refuses, or does not answer.
    static func open() throws(Failure) -> Self {
        let token = UInt32.random(in: 1 ... .max)
        let outcome = dtm_process_events_open(token, waitingBytes)
        guard outcome >= 0 else { throw Failure(code: -outcome) }
        var channel = Self(descriptor: outcome)
        // What others ask for is answered to all who listen.
        var answer: UInt32?
        try channel.drain { if case .answer(token, let error) = $0.event { answer = error } }
        guard let answer else { throw Failure(code: ENOTSUP) }
        guard answer == 0 else { throw Failure(code: Int32(truncatingIfNeeded: answer)) }
        return channel
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Takes over what the kernel told since the last time. Does not wait.
    ///
    /// - Throws: `Failure` when the socket is of no more use.
    mutating func drain(into hints: inout ProcessHints) throws(Failure) {
        if try !drain({ hints.note($0) }) { hints.lose() }
    }

    /// - Returns: Whether nothing was lost.
    @discardableResult
    private mutating func drain(_ body: (ProcessNotice) -> Void) throws(Failure) -> Bool {
        var isWhole = true
        for _ in 0..<Self.maximumDatagrams {
            let capacity = buffer.count
            let descriptor = descriptor
            let received = buffer.withUnsafeMutableBytes { dtm_sock_diag_receive(descriptor, $0.baseAddress, capacity) }
            switch Int32(clamping: -received) {
            case EAGAIN: return isWhole
            case ENOBUFS, EMSGSIZE: isWhole = false
            case let code where code > 0: throw Failure(code: code)
            default:
                let bytes = buffer.span.bytes.extracting(first: min(received, capacity))
                if !ProcessEventParser.forEach(bytes, body) { isWhole = false }
            }
        }
        return false
    }
}
