import DTMCore
import NIOCore
import NIOPosix
import Synchronization

/// The application that the attacks are for. It knows its own client by a random word, and counts everybody else.
final class Canary: Sendable {
    /// What an attacker must never get to see, or the canary to hear from anybody but its client.
    let word = Hexadecimal.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) })
    let connections = Atomic<Int>(0)
    let ownConnections = Atomic<Int>(0)
    let bytesOfStrangers = Atomic<Int>(0)
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// Listens until ``end()``.
    ///
    /// - Parameter path: A Unix socket; nil: a free port of 127.0.0.1.
    /// - Returns: where, as `dtm protect` takes it.
    func begin(path: String?) async throws -> String {
        let bootstrap = ServerBootstrap(group: group).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(CanaryHandler(self))
            }
        }
        if let path {
            _ = try await bootstrap.bind(unixDomainSocketPath: path).get()
            return "unix:\(path)"
        }
        let channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        guard let port = channel.localAddress?.port else { throw RedteamError(.system, "the canary has no port") }
        return "127.0.0.1:\(port)"
    }

    /// Connections that its own client did not make.
    var strangers: Int { connections.load(ordering: .relaxed) - ownConnections.load(ordering: .relaxed) }

    func end() async { try? await group.shutdownGracefully() }
}

private final class CanaryHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let canary: Canary
    private var received = ByteBuffer()
    private var isKnown = false

    init(_ canary: Canary) { self.canary = canary }

    func channelActive(context: ChannelHandlerContext) {
        canary.connections.add(1, ordering: .relaxed)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        let count = bytes.readableBytes
        if !isKnown {
            received.writeBuffer(&bytes)
            if received.readableBytes >= canary.word.utf8.count {
                isKnown = received.getString(at: received.readerIndex, length: canary.word.utf8.count) == canary.word
            }
            if isKnown {
                canary.ownConnections.add(1, ordering: .relaxed)
            } else {
                canary.bytesOfStrangers.add(count, ordering: .relaxed)
            }
        }
        // Whoever gets here is answered: the attacker shall see that he is in.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "canary\n")), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
