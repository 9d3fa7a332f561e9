import NIOCore

/// Stands in for the relay on a local program's connection until the tunnel has accepted. Belongs to the event loop of
/// its channel.
///
/// Nothing is asked to be read meanwhile; but a program that has said all and closes its half (`printf x | nc -N`) is
/// read to the end by NIO all the same. At most what the kernel had buffered is kept here.
final class LocalWaiter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let action: (LocalWaiter) -> Void
    private(set) var early: [ByteBuffer] = []
    private(set) var hasEnded = false

    /// - Parameter action: called once, when the channel is active: before that, nothing can be joined to it.
    init(whenActive action: @escaping (LocalWaiter) -> Void) { self.action = action }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        action(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { early.append(unwrapInboundIn(data)) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { hasEnded = true }
    }
}
