import Glibc
import NIOCore

/// Closes a connection or its output so that nothing is lost, or at once with a reset. Stands next to the socket, below
/// TLS.
///
/// NIO drops what it has not written yet when a channel is closed; it closes the whole channel as soon as both
/// directions are to be closed, though the output waits to be written; and NIOSSL closes the channel as soon as both
/// sides have said goodbye. So a close waits here until the kernel has taken the last byte, and further closes wait
/// with it. The wait ends with a reset when the peer takes nothing for the linger limit, and by itself when the peer
/// goes.
final class TransportHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Triggered as an outbound event: resets the connection, so that the peer takes nothing for a proper end.
    enum Request { case abort }

    /// A close that waits.
    private struct Waiting {
        var mode: CloseMode
        let closed: EventLoopPromise<Void>
        var bytesLeft: Int
        var limit: Scheduled<Void>?
    }

    /// How long a peer may take nothing of what is left. A person may have paused it.
    private let lingerLimit: TimeAmount
    private var waiting: Waiting?

    init(lingerLimit: TimeAmount = .minutes(10)) { self.lingerLimit = lingerLimit }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if let waiting, mode != .input {
            if mode == .all { self.waiting?.mode = .all }
            if let promise { waiting.closed.futureResult.cascade(to: promise) }
        } else if mode != .input, bufferedBytes(context) > 0 {
            closeAfterWriting(context, mode, promise)
        } else {
            context.close(mode: mode, promise: promise)
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if event is Request {
            reset(context, promise)
        } else {
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    private func closeAfterWriting(
        _ context: ChannelHandlerContext, _ mode: CloseMode, _ promise: EventLoopPromise<Void>?
    ) {
        let closed = promise ?? context.eventLoop.makePromise()
        waiting = Waiting(mode: mode, closed: closed, bytesLeft: bufferedBytes(context))
        setLimit(context)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in self.finish(context) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard let waiting else { return }
        self.waiting = nil
        waiting.limit?.cancel()
        context.close(mode: waiting.mode, promise: waiting.closed)
    }

    private func setLimit(_ context: ChannelHandlerContext) {
        waiting?.limit = context.eventLoop.assumeIsolated().scheduleTask(in: lingerLimit) {
            guard let before = self.waiting?.bytesLeft else { return }
            let left = self.bufferedBytes(context)
            guard left < before else {
                self.reset(context, nil)
                return
            }
            self.waiting?.bytesLeft = left
            self.setLimit(context)
        }
    }

    private func reset(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            .whenComplete { _ in }
        context.close(promise: promise)
    }

    private func bufferedBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}
