import DTMCore
import NIOCore
import NIOPosix
import Synchronization

/// An HTTP server on the loopback that does what a script says, one step for each request; the last step stays.
final class ScriptedServer: Sendable {
    enum Step: Sendable {
        case reply(status: Int, headers: [(String, String)] = [], body: [UInt8])
        /// These bytes, then the end of the connection.
        case raw([UInt8])
        /// The head of a long reply, and a byte of it each 10 ms, for ever.
        case drip
        /// Nothing, for ever.
        case silence
        /// What is in the head of the request decides.
        case decide(@Sendable (Request) -> Step)
    }

    struct Request: Sendable {
        var head: String
        var body: String
        var all: String { head + body }
    }

    private struct State {
        var steps: [Step]
        var requests: [Request] = []
    }

    private let state: Mutex<State>
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let listener: Mutex<(any Channel)?> = Mutex(nil)

    private init(_ steps: [Step]) { state = Mutex(State(steps: steps)) }

    static func run<Value>(
        _ steps: [Step], isolation: isolated (any Actor)? = #isolation, _ body: (ScriptedServer) async throws -> Value
    ) async throws -> Value {
        let server = ScriptedServer(steps)
        let channel = try await ServerBootstrap(group: server.group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ScriptedHandler(server))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        server.listener.withLock { $0 = channel }
        let result: Result<Value, any Error>
        do { result = .success(try await body(server)) } catch { result = .failure(error) }
        try? await channel.close()
        try await server.group.shutdownGracefully()
        return try result.get()
    }

    var port: Int { listener.withLock { $0?.localAddress?.port ?? 0 } }
    var requests: [Request] { state.withLock { $0.requests } }

    func script(_ steps: [Step]) { state.withLock { $0.steps = steps } }

    fileprivate func step(for request: Request) -> Step {
        let step = state.withLock { state in
            state.requests.append(request)
            return state.steps.count > 1 ? state.steps.removeFirst() : state.steps[0]
        }
        if case .decide(let decide) = step { return decide(request) }
        return step
    }
}

private final class ScriptedHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: ScriptedServer
    private var received: [UInt8] = []

    init(_ server: ScriptedServer) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += Array(unwrapInboundIn(data).readableBytesView)
        while let request = nextRequest() { answer(server.step(for: request), context) }
    }

    private func nextRequest() -> ScriptedServer.Request? {
        let end = Array("\r\n\r\n".utf8)
        guard received.count >= end.count,
            let index = (0...(received.count - end.count)).first(where: { Array(received[$0..<$0 + 4]) == end })
        else { return nil }
        let head = String(decoding: received[..<(index + 4)], as: UTF8.self)
        let length =
            head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst("content-length:".count).drop { $0 == " " }) } ?? 0
        guard received.count >= index + 4 + length else { return nil }
        let body = String(decoding: received[(index + 4)..<(index + 4 + length)], as: UTF8.self)
        received.removeFirst(index + 4 + length)
        return ScriptedServer.Request(head: head, body: body)
    }

    private func answer(_ step: ScriptedServer.Step, _ context: ChannelHandlerContext) {
        switch step {
        case .reply(let status, let headers, let body):
            let isTyped = headers.contains { $0.0.lowercased() == "content-type" }
            let all = headers + (isTyped ? [] : [("Content-Type", "application/json")])
            let lines = all.map { "\($0.0): \($0.1)\r\n" }.joined()
            let head = "HTTP/1.1 \(status) X\r\n\(lines)Content-Length: \(body.count)\r\n\r\n"
            write(Array(head.utf8) + body, context)
        case .raw(let bytes):
            write(bytes, context)
            context.close(promise: nil)
        case .drip:
            write(
                Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n".utf8),
                context)
            drip(context)
        case .silence: break
        case .decide: break
        }
    }

    private func write(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    private func drip(_ context: ChannelHandlerContext) {
        let channel = context.channel
        channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(10)) { task in
            guard channel.isActive else { return task.cancel() }
            channel.writeAndFlush(ByteBuffer(string: " "), promise: nil)
        }
    }
}
