import Glibc
import NIOCore
import NIOPosix

@testable import DTMTunnel

extension RelayTests {
    /// Runs blocking work on a thread of its own; the result waits for its end.
    static func inBackground(_ body: @escaping () throws -> Void) throws -> () -> Void {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        nonisolated(unsafe) let work = body
        let done = pool.runIfActive(eventLoop: MultiThreadedEventLoopGroup.singleton.any()) { try work() }
        return {
            try? done.wait()
            pool.shutdownGracefully { _ in }
        }
    }

    /// False when the kernel takes no more within half a second.
    static func sendWithoutWaiting(_ socket: BlockingSocket, _ chunk: [UInt8]) -> Bool {
        var interest = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&interest, 1, 500) > 0 else { return false }
        let flags = CInt(MSG_NOSIGNAL | MSG_DONTWAIT)
        return chunk.withUnsafeBytes { send(socket.descriptor, $0.baseAddress, $0.count, flags) } >= 0
    }
}
