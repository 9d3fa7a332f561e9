import DTMTestSupport
import Glibc
import NIOCore
import NIOPosix

/// Runs blocking work on a thread of its own; the result waits for its end.
func inBackground(_ body: @escaping () throws -> Void) -> () throws -> Void {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    // The thread has it alone until it is waited for.
    nonisolated(unsafe) let work = body
    let done = pool.runIfActive(eventLoop: MultiThreadedEventLoopGroup.singleton.any()) { try work() }
    return {
        defer { pool.shutdownGracefully { _ in } }
        try done.wait()
    }
}

/// False when the kernel takes no more within half a second.
func sendWithoutWaiting(_ socket: BlockingSocket, _ chunk: [UInt8]) -> Bool {
    var interest = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
    guard poll(&interest, 1, 500) > 0 else { return false }
    let flags = CInt(MSG_NOSIGNAL | MSG_DONTWAIT)
    return chunk.withUnsafeBytes { send(socket.descriptor, $0.baseAddress, $0.count, flags) } >= 0
}
