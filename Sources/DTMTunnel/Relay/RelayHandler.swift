import NIOCore
import NIOSSL

/// Which end of a relay.
enum RelaySide {
    /// Towards the other end of the tunnel, under TLS.
    case tunnel
    /// Towards the application.
    case plain
}

/// Told what a relay moves and how it ends. Belongs to the event loop of the relay.
protocol RelayMonitor: AnyObject {
    func relay(moved bytes: Int, from side: RelaySide)
    /// Called once. `broken` is the side that broke off; nil when both ends were done properly.
    func relayEnded(broken: RelaySide?)
}

/// One side of a relay: hands what it reads to its partner, on the same event loop.
///
/// Life: make a ``pair(monitor:)``, add each to the pipeline of its channel (which must have `autoRead` off and remote
/// half-closure allowed), ``start()`` both. It reads only while its partner can write, so each direction holds at most
/// one read in memory. The end of one direction is passed on as a half-close; the other direction goes on. A side that
/// breaks off (a reset, or the end of the transport without a TLS goodbye) makes the other side break off as well: the
/// application behind it must not take a cut stream for a whole one.
final class RelayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let side: RelaySide
    private let monitor: any RelayMonitor
    private let link: RelayLink
    private var partner: RelayHandler?
    private var context: ChannelHandlerContext?
    private var readIsHeld = false
    private var inputEnded = false
    private var outputEnded = false

    /// The two sides of a relay.
    static func pair(monitor: any RelayMonitor) -> (tunnel: RelayHandler, plain: RelayHandler) {
        let link = RelayLink()
        let tunnel = RelayHandler(side: .tunnel, monitor: monitor, link: link)
        let plain = RelayHandler(side: .plain, monitor: monitor, link: link)
        tunnel.partner = plain
        plain.partner = tunnel
        return (tunnel, plain)
    }

    private init(side: RelaySide, monitor: any RelayMonitor, link: RelayLink) {
        self.side = side
        self.monitor = monitor
        self.link = link
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    /// Begins to read.
    func start() { context?.read() }

    /// Hands over what came before the relay was in place, and its end.
    func deliver(_ buffers: [ByteBuffer], ended: Bool) {
        for buffer in buffers {
            monitor.relay(moved: buffer.readableBytes, from: side)
            partner?.write(buffer)
        }
        partner?.flush()
        if ended { inputHasEnded() }
    }

    /// Ends the relay at once: both sides are reset.
    func abort() { end(broken: nil, reset: true) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        monitor.relay(moved: buffer.readableBytes, from: side)
        partner?.write(buffer)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard let partner else { return }
        partner.flush()
        if partner.canWrite {
            context.read()
        } else {
            readIsHeld = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.resumeReading() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            inputHasEnded()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The transport's end without a goodbye is no error once the peer has said goodbye.
        if case .uncleanShutdown? = error as? NIOSSLError, inputEnded { return }
        end(broken: side, reset: true)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Once our half is closed, the peer's end closes the channel without a further event; what is not a proper end
        // came as an error before.
        if outputEnded { inputHasEnded() }
        let endedWell = inputEnded && outputEnded
        outputEnded = true
        if endedWell {
            end(broken: nil, reset: false)
        } else {
            end(broken: side, reset: true)
        }
    }

    private var canWrite: Bool { context?.channel.isWritable ?? false }

    private func write(_ buffer: ByteBuffer) { context?.write(wrapOutboundOut(buffer), promise: nil) }

    private func flush() { context?.flush() }

    private func resumeReading() {
        guard readIsHeld else { return }
        readIsHeld = false
        context?.read()
    }

    private func inputHasEnded() {
        guard !inputEnded else { return }
        inputEnded = true
        partner?.closeOutput()
    }

    private func closeOutput() {
        guard !outputEnded, let context else { return }
        outputEnded = true
        // TLS that is closed altogether forgets what was not flushed.
        context.flush()
        context.close(mode: .output, promise: nil)
        // NIO and NIOSSL close the channel by themselves when both directions are done.
    }

    private func end(broken: RelaySide?, reset: Bool) {
        guard !link.hasEnded else { return }
        link.hasEnded = true
        let both = [self, partner].compactMap { $0?.context }
        monitor.relayEnded(broken: broken)
        guard reset else { return }
        for context in both where context.channel.isActive {
            context.triggerUserOutboundEvent(TransportHandler.Request.abort, promise: nil)
        }
    }
}

/// What the two sides of a relay share: whether the end has been told.
private final class RelayLink {
    var hasEnded = false
}
