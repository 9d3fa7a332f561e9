import Glibc
import NIOCore

/// Closes a connection so that nothing is lost, or at once with a reset. Stands next to the socket, below TLS.
///
/// NIO drops what it has not written yet when a channel is closed, and NIOSSL closes the channel as soon as both sides have said
/// goodbye. So a close waits here until the kernel has taken the last byte. The wait ends by itself: when the peer goes, and
/// after ``lingerLimit``.
final class TransportHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Triggered as an outbound event: resets the connection, so that the peer takes nothing for a proper end.
    enum Request { case abort }

    /// How long a closing connection may take to hand its last bytes to the kernel.
    static let lingerLimit = TimeAmount.seconds(30)

    private var isClosing = false

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, !isClosing, bufferedBytes(context) > 0 else {
            context.close(mode: mode, promise: promise)
            return
        }
        isClosing = true
        let written = context.eventLoop.makePromise(of: Void.self)
        let limit = context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerLimit) { context.close(promise: nil) }
        written.futureResult.assumeIsolated().whenComplete { _ in
            limit.cancel()
            context.close(promise: promise)
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is Request else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        isClosing = true
        (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            .whenComplete { _ in }
        context.close(promise: promise)
    }

    private func bufferedBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}
