import NIOCore
import NIOPosix

/// The application behind the tunnels. A connection's first octet says what it does, and eight octets how much:
/// echo, send so many octets, or take so many and confirm them with one.
enum OriginCommand: UInt8 {
    case echo = 0x45
    case download = 0x44
    case upload = 0x55

    /// Octets of a command: the letter and a length.
    static let size = 9

    func encoded(length: Int, allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: Self.size)
        buffer.writeInteger(rawValue)
        buffer.writeInteger(UInt64(length))
        return buffer
    }
}

/// Listens on a free port of 127.0.0.1.
struct OriginServer {
    let port: Int
    private let channel: any Channel

    static func start(on group: any EventLoopGroup) throws -> OriginServer {
        let channel = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: BulkSource.chunk))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(OriginHandler())
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        guard let port = channel.localAddress?.port else { throw BenchmarkError("the origin has no port") }
        return OriginServer(port: port, channel: channel)
    }

    func stop() { try? channel.close().wait() }
}

private final class OriginHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        case command(ByteBuffer)
        case echo
        case download(BulkSource)
        case upload(left: Int)
    }

    private var phase = Phase.command(ByteBuffer())

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        switch phase {
        case .command(var gathered):
            gathered.writeImmutableBuffer(buffer)
            phase = .command(gathered)
            begin(context: context)
        case .echo: context.write(wrapOutboundOut(buffer), promise: nil)
        case .download: break
        case .upload(let left): take(buffer.readableBytes, of: left, context: context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, case .download(let source) = phase { source.fill(context.channel) }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func begin(context: ChannelHandlerContext) {
        guard case .command(var gathered) = phase, gathered.readableBytes >= OriginCommand.size,
            let letter = gathered.readInteger(as: UInt8.self), let length = gathered.readInteger(as: UInt64.self)
        else { return }
        switch OriginCommand(rawValue: letter) {
        case .echo:
            phase = .echo
            if gathered.readableBytes > 0 { context.write(wrapOutboundOut(gathered), promise: nil) }
        case .download:
            let source = BulkSource(length: Int(length), allocator: context.channel.allocator)
            phase = .download(source)
            source.fill(context.channel)
        case .upload: take(gathered.readableBytes, of: Int(length), context: context)
        case nil: context.close(promise: nil)
        }
    }

    private func take(_ count: Int, of left: Int, context: ChannelHandlerContext) {
        phase = .upload(left: left - count)
        if left - count <= 0 {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(integer: UInt8(ascii: "."))), promise: nil)
        }
    }
}

/// Writes a number of octets, as fast as the channel takes them.
final class BulkSource {
    /// Octets of one write and of one read.
    static let chunk = 256 * 1_024

    private var left: Int
    private let block: ByteBuffer

    init(length: Int, allocator: ByteBufferAllocator) {
        left = length
        var block = allocator.buffer(capacity: Self.chunk)
        // Not zeros: nothing on the way shall have an easier time than with real data.
        var value: UInt64 = 0x9e37_79b9_7f4a_7c15
        while block.readableBytes < Self.chunk {
            value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            block.writeInteger(value)
        }
        self.block = block
    }

    func fill(_ channel: any Channel) {
        while left > 0, channel.isWritable {
            let count = min(left, block.readableBytes)
            guard let part = block.getSlice(at: block.readerIndex, length: count) else { return }
            left -= count
            channel.writeAndFlush(part, promise: nil)
        }
    }
}
