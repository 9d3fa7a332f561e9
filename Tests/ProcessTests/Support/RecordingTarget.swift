import DTMCore
import Glibc
import Synchronization
import Testing

/// A target that echoes, and remembers every connection and byte that it ever saw: a stranger's must not be among them.
final class RecordingTarget: Sendable {
    let endpoint: Endpoint
    private let shared: Shared
    private let worker: Worker<Void>

    private final class Shared: Sendable {
        let isEnding = Atomic(false)
        let seen = Mutex(Seen())
    }

    struct Seen: Equatable {
        var connections = 0
        var bytes: [UInt8] = []
    }

    init(port: UInt16 = 0) throws {
        let listener = try HeldPort(port: port)
        endpoint = listener.endpoint
        let shared = Shared()
        let descriptor = fcntl(listener.descriptor, F_DUPFD_CLOEXEC, 3)
        worker = Worker { Self.serve(descriptor, shared) }
        self.shared = shared
    }

    deinit { shared.isEnding.store(true, ordering: .releasing) }

    var target: String { "\(endpoint)" }

    /// All that came so far.
    var seen: Seen { shared.seen.withLock { $0 } }

    private static func serve(_ listener: CInt, _ shared: Shared) {
        var sockets = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
        defer { for socket in sockets { close(socket.fd) } }
        while !shared.isEnding.load(ordering: .acquiring) {
            guard poll(&sockets, nfds_t(sockets.count), 20) > 0 else { continue }
            for index in sockets.indices.reversed() where sockets[index].revents != 0 {
                if index == 0 {
                    accept(listener, shared, &sockets)
                } else if !echo(sockets[index].fd, shared) {
                    close(sockets[index].fd)
                    sockets.remove(at: index)
                }
            }
        }
    }

    private static func accept(_ listener: CInt, _ shared: Shared, _ sockets: inout [pollfd]) {
        let connection = Glibc.accept(listener, nil, nil)
        guard connection >= 0 else { return }
        shared.seen.withLock { $0.connections += 1 }
        sockets.append(pollfd(fd: connection, events: Int16(POLLIN), revents: 0))
    }

    /// False at the connection's end.
    private static func echo(_ socket: CInt, _ shared: Shared) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        shared.seen.withLock { $0.bytes += buffer.prefix(count) }
        return send(socket, buffer, count, CInt(MSG_NOSIGNAL)) == count
    }
}
