import Glibc
import NIOCore

/// Watches a listener's accepting: counts connections that are on their way to their event loop, and lives through the loss of
/// descriptors (`accept(2)`: EMFILE, ENFILE, ENOBUFS, ENOMEM) by pausing instead of spinning or ending.
final class AcceptGuard: ChannelInboundHandler {
    typealias InboundIn = Channel
    typealias InboundOut = Channel

    /// How long accepting pauses when there is nothing left to accept with.
    static let pause = TimeAmount.milliseconds(100)

    private let accepted: () -> Void
    private let exhausted: (Bool) -> Void
    private var isPaused = false

    /// - Parameters:
    ///   - accepted: called for each connection, before it is handed to its event loop.
    ///   - exhausted: called with true when accepting begins to pause, with false when it goes on.
    init(accepted: @escaping () -> Void, exhausted: @escaping (Bool) -> Void) {
        self.accepted = accepted
        self.exhausted = exhausted
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        accepted()
        if isPaused {
            isPaused = false
            exhausted(false)
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, Self.isExhaustion(error.errnoCode) else {
            // ECONNABORTED and its like concern one connection that is gone already.
            return
        }
        if !isPaused { exhausted(true) }
        isPaused = true
        let channel = context.channel
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }

    private static func isExhaustion(_ code: CInt) -> Bool {
        [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code)
    }
}
