import Glibc
import NIOCore

/// Watches a listener's accepting: counts connections that are on their way to their event loop, and lives through the
/// loss of descriptors (`accept(2)`: EMFILE, ENFILE, ENOBUFS, ENOMEM) by pausing instead of spinning or ending.
final class AcceptGuard: ChannelInboundHandler {
    typealias InboundIn = Channel
    typealias InboundOut = Channel

    /// How long accepting pauses when there is nothing left to accept with.
    static let pause = TimeAmount.milliseconds(100)

    let underway: AcceptsUnderway
    private let exhausted: (Bool) -> Void
    private var isPaused = false

    /// - Parameter exhausted: called with true when accepting begins to pause, with false when it goes on.
    init(underway: AcceptsUnderway = AcceptsUnderway(), exhausted: @escaping (Bool) -> Void) {
        self.underway = underway
        self.exhausted = exhausted
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        underway.count += 1
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

/// How many accepted connections are on their way to their event loop. Closing the listener now would close them: NIO
/// looks at it once more before it lets them go. Belongs to the listener's event loop.
final class AcceptsUnderway {
    var count = 0
}

/// Behind NIO's own accepting: sees the connections that are on their event loop, and the errors of those that never
/// got there.
final class AcceptsSettled: ChannelInboundHandler {
    typealias InboundIn = Channel

    private let underway: AcceptsUnderway

    init(_ underway: AcceptsUnderway) { self.underway = underway }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        underway.count -= 1
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { underway.count -= 1 }
}
