import DTMCore
import NIOCore

/// Keeps the first bytes that a peer sends, as they come from the socket. Stands below TLS until the peer has shown who it
/// is, at every listener alike.
final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private(set) var sent = SentBytes()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        sent.append(unwrapInboundIn(data).readableBytesView)
        context.fireChannelRead(data)
    }
}
