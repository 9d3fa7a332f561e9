import Glibc
import NIOCore

/// Closes a connection so that nothing is lost, or at once with a reset. Stands next to the socket, below TLS.
///
/// NIO drops what it has not written yet when a channel is closed, and NIOSSL closes the channel as soon as both sides have said
/// goodbye. So a close waits here until the kernel has taken the last byte, and further closes wait with it. The wait ends by itself: when
/// the peer goes, and after the linger limit.
final class TransportHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Triggered as an outbound event: resets the connection, so that the peer takes nothing for a proper end.
    enum Request { case abort }

    /// How long a closing connection may take to hand its last bytes to the kernel.
    private let lingerLimit: TimeAmount
    /// Settled with the close that waits.
    private var closed: EventLoopPromise<Void>?

    init(lingerLimit: TimeAmount = .seconds(30)) { self.lingerLimit = lingerLimit }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .all, let closed {
            if let promise { closed.futureResult.cascade(to: promise) }
        } else if mode == .all, bufferedBytes(context) > 0 {
            closeAfterWriting(context, promise)
        } else {
            context.close(mode: mode, promise: promise)
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is Request else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            .whenComplete { _ in }
        context.close(promise: promise)
    }

    private func closeAfterWriting(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let closed = promise ?? context.eventLoop.makePromise()
        self.closed = closed
        let written = context.eventLoop.makePromise(of: Void.self)
        let limit = context.eventLoop.assumeIsolated().scheduleTask(in: lingerLimit) { context.close(promise: nil) }
        written.futureResult.assumeIsolated().whenComplete { _ in
            limit.cancel()
            context.close(promise: closed)
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    private func bufferedBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}
