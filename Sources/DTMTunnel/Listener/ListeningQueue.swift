import Glibc
import NIOCore
import NIOPosix

/// How many connections may wait to be accepted.
enum ListeningQueue {
    /// The kernel caps it at `net.core.somaxconn`.
    static let length: CInt = 1_024

    /// NIO listens with a queue of 128 whatever it is asked; a further `listen(2)` on the same socket changes that.
    /// Call on the channel's event loop.
    static func deepen(_ channel: any Channel) {
        withDescriptor(of: channel) { _ = listen($0, length) }
    }

    static func withDescriptor(of channel: any Channel, _ body: (CInt) -> Void) {
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { body($0) }
    }
}
