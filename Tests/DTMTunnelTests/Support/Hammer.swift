import DTMTestSupport
import DTMCore
import Glibc
import NIOConcurrencyHelpers

/// Connects to an endpoint as fast as it can, says a few bytes that are not TLS, and notes how each connection ends:
/// properly or with a reset.
final class Hammer: Sendable {
    private let state = NIOLockedValueBox((count: 0, resets: 0, isOver: false))
    private let threads = NIOLockedValueBox<[@Sendable () throws -> Void]>([])

    static func start(_ endpoint: Endpoint, threads: Int) -> Hammer {
        let hammer = Hammer()
        for _ in 0..<threads {
            // Each is waited for by `stop()` alone.
            nonisolated(unsafe) let wait = inBackground { hammer.run(endpoint) }
            hammer.threads.withLockedValue { $0.append { try wait() } }
        }
        return hammer
    }

    var count: Int { state.withLockedValue { $0.count } }
    /// Connections that were established and then reset before the listener said anything.
    var resets: Int { state.withLockedValue { $0.resets } }

    func stop() throws {
        state.withLockedValue { $0.isOver = true }
        for wait in threads.withLockedValue({ $0 }) { try wait() }
    }

    private func run(_ endpoint: Endpoint) {
        while !state.withLockedValue({ $0.isOver }) {
            guard let socket = Self.connect(endpoint) else { continue }
            let outcome = Self.talk(socket)
            state.withLockedValue { state in
                state.count += 1
                if !outcome { state.resets += 1 }
            }
        }
    }

    /// Nil when it is refused, or when the listener does not answer: it is closed or about to.
    private static func connect(_ endpoint: Endpoint) -> BlockingSocket? {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in(endpoint)
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var interest = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let isWaiting = outcome != 0 && errno == EINPROGRESS
        let isOpen = outcome == 0 || (isWaiting && poll(&interest, 1, 20) > 0 && interest.revents & Int16(POLLERR) == 0)
        guard isOpen else {
            close(descriptor)
            return nil
        }
        _ = fcntl(descriptor, F_SETFL, 0)
        return BlockingSocket(adopting: descriptor)
    }

    /// Whether the listener took the connection: it answers what is not TLS with an alert or an end, never with a
    /// reset.
    private static func talk(_ socket: BlockingSocket) -> Bool {
        let bytes = Array("GET / HTTP/1.0\r\n\r\n".utf8)
        let sent = bytes.withUnsafeBytes { send(socket.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
        guard sent == bytes.count else { return false }
        return socket.receive() != nil
    }
}
