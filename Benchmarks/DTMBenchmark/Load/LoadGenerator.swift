import NIOCore
import NIOPosix

/// Drives one tunnel's local entry. All of it runs on one event loop, the same as the origin's.
struct LoadGenerator {
    /// Octets of a request and of its answer.
    static let messageSize = 64

    let loop: any EventLoop
    let port: Int
    /// No step may take longer.
    let limit: TimeAmount

    /// Moves `bytes` from the origin to here, or from here to the origin, over one connection.
    func transfer(_ command: OriginCommand, bytes: Int) throws {
        try bounded { promise in
            connect { channel in
                try channel.pipeline.syncOperations.addHandler(
                    TransferHandler(command: command, length: bytes, done: promise))
            }
            .cascadeFailure(to: promise)
        }
    }

    /// Sends `count` requests over `clients` connections, each waiting for its answer before the next.
    func requests(_ count: Int, clients: Int) throws {
        try bounded { promise in
            let share = max(1, count / clients)
            let all = (0..<clients).map { _ in
                exchange(share, closing: true).flatMap { _ in loop.makeSucceededVoidFuture() }
            }
            EventLoopFuture.andAllSucceed(all, on: loop).cascade(to: promise)
        }
    }

    /// Opens `count` connections one after another in each of `lanes` lanes, with one request each.
    func connections(_ count: Int, lanes: Int) throws {
        try bounded { promise in
            let all = (0..<lanes).map { _ in openInTurn(max(1, count / lanes)) }
            EventLoopFuture.andAllSucceed(all, on: loop).cascade(to: promise)
        }
    }

    /// Opens `count` connections, sends one request on each, and leaves them open.
    func idle(_ count: Int, lanes: Int) throws -> IdleConnections {
        var channels: [any Channel] = []
        while channels.count < count {
            let batch = min(lanes, count - channels.count)
            let opened = loop.makePromise(of: [any Channel].self)
            let timer = loop.scheduleTask(in: limit) { opened.fail(BenchmarkError("idle connections took too long")) }
            EventLoopFuture.whenAllSucceed((0..<batch).map { _ in exchange(1, closing: false) }, on: loop)
                .cascade(to: opened)
            channels += try opened.futureResult.wait()
            timer.cancel()
        }
        return IdleConnections(channels: channels)
    }

    private func openInTurn(_ count: Int) -> EventLoopFuture<Void> {
        guard count > 0 else { return loop.makeSucceededVoidFuture() }
        return exchange(1, closing: true).flatMap { _ in openInTurn(count - 1) }
    }

    private func exchange(_ count: Int, closing: Bool) -> EventLoopFuture<any Channel> {
        let promise = loop.makePromise(of: (any Channel).self)
        connect { channel in
            try channel.pipeline.syncOperations.addHandler(
                RequestHandler(count: count, closing: closing, done: promise))
        }
        .cascadeFailure(to: promise)
        return promise.futureResult
    }

    private func connect(_ configure: @escaping @Sendable (any Channel) throws -> Void) -> EventLoopFuture<any Channel>
    {
        ClientBootstrap(group: loop)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: BulkSource.chunk))
            .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try configure(channel) } }
            .connect(host: "127.0.0.1", port: port)
    }

    private func bounded(_ start: (EventLoopPromise<Void>) -> Void) throws {
        let promise = loop.makePromise(of: Void.self)
        let limit = limit
        let timer = loop.scheduleTask(in: limit) {
            promise.fail(BenchmarkError("a step took longer than \(limit.nanoseconds / 1_000_000_000) s"))
        }
        start(promise)
        defer { timer.cancel() }
        try promise.futureResult.wait()
    }
}

/// Connections that stay open and silent until they are closed.
struct IdleConnections {
    let channels: [any Channel]

    /// How many are still open.
    var openCount: Int { channels.filter(\.isActive).count }

    func close() {
        for channel in channels { try? channel.close().wait() }
    }
}

/// One bulk transfer.
private final class TransferHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let command: OriginCommand
    private let length: Int
    private let done: EventLoopPromise<Void>
    private var awaited: Int
    private var source: BulkSource?

    init(command: OriginCommand, length: Int, done: EventLoopPromise<Void>) {
        self.command = command
        self.length = length
        self.done = done
        awaited = command == .download ? length : 1
    }

    func channelActive(context: ChannelHandlerContext) {
        let allocator = context.channel.allocator
        context.writeAndFlush(wrapOutboundOut(command.encoded(length: length, allocator: allocator)), promise: nil)
        guard command == .upload else { return }
        let source = BulkSource(length: length, allocator: allocator)
        self.source = source
        source.fill(context.channel)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { source?.fill(context.channel) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        awaited -= unwrapInboundIn(data).readableBytes
        guard awaited <= 0 else { return }
        done.succeed()
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        done.fail(BenchmarkError("a transfer was cut with \(awaited) octets to come"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done.fail(error)
        context.close(promise: nil)
    }
}

/// Requests and answers of equal size, one after another.
private final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request = ByteBuffer(repeating: UInt8(ascii: "x"), count: LoadGenerator.messageSize)
    private let closing: Bool
    private let done: EventLoopPromise<any Channel>
    private var left: Int
    private var awaited = LoadGenerator.messageSize

    init(count: Int, closing: Bool, done: EventLoopPromise<any Channel>) {
        left = count
        self.closing = closing
        self.done = done
    }

    func channelActive(context: ChannelHandlerContext) {
        var first = OriginCommand.echo.encoded(length: 0, allocator: context.channel.allocator)
        first.writeImmutableBuffer(request)
        context.writeAndFlush(wrapOutboundOut(first), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        awaited -= unwrapInboundIn(data).readableBytes
        guard awaited <= 0 else { return }
        left -= 1
        if left > 0 {
            awaited = LoadGenerator.messageSize
            context.writeAndFlush(wrapOutboundOut(request), promise: nil)
        } else {
            done.succeed(context.channel)
            if closing { context.close(promise: nil) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        done.fail(BenchmarkError("a connection was cut with \(left) requests to come"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done.fail(error)
        context.close(promise: nil)
    }
}
