import DTMAPI
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP server at a control socket of its own that answers as a test says, and remembers what it was asked.
struct ScriptedServer: Sendable {
    struct Request: Sendable {
        var method: String
        var uri: String
        var headers: [String: String]
        var body: String
    }

    enum Reply: Sendable {
        case json(Int, String)
        /// The body in pieces, each flushed by itself.
        case pieces([[UInt8]])
        /// Server-sent events that go on for ever after these.
        case openStream(String)
        /// As many bytes, and then the connection breaks off.
        case broken(String)
        case noAnswer
        case raw(String)
    }

    let home: String
    fileprivate let box = NIOLockedValueBox<[Request]>([])

    /// What it was asked, in order.
    var requests: [Request] { box.withLockedValue { $0 } }
    var locator: ControlSocketLocator { ControlSocketLocator(home: home) }

    /// Runs a server for the time of `body`.
    static func with(
        homeNamed name: String = "home", reply: @escaping @Sendable (Request) -> Reply,
        _ body: (ScriptedServer) async throws -> Void
    ) async throws {
        try await TemporaryHome.with(name) { home in
            let server = ScriptedServer(home: home)
            let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                        try channel.pipeline.syncOperations.addHandler(
                            ReplyHandler(requests: server.box, reply: reply))
                    }
                }
                .bind(unixDomainSocketPath: "\(home)/run/control.sock").get()
            do {
                try await body(server)
            } catch {
                try await channel.close()
                throw error
            }
            try await channel.close()
        }
    }
}

/// A home with an empty `run` of mode 0700.
enum TemporaryHome {
    static func with(_ name: String = "home", _ body: (String) async throws -> Void) async throws {
        var template = Array("/tmp/dtm-api-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw NotMade() }
        let root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let home = "\(root)/\(name)"
        guard mkdir(home, 0o700) == 0, mkdir("\(home)/run", 0o700) == 0 else { throw NotMade() }
        defer {
            unlink("\(home)/run/control.sock")
            rmdir("\(home)/run")
            rmdir(home)
            rmdir(root)
        }
        try await body(home)
    }

    struct NotMade: Error {}
}

private final class ReplyHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    let requests: NIOLockedValueBox<[ScriptedServer.Request]>
    let reply: @Sendable (ScriptedServer.Request) -> ScriptedServer.Reply
    private var request: ScriptedServer.Request?

    init(
        requests: NIOLockedValueBox<[ScriptedServer.Request]>,
        reply: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Reply
    ) {
        self.requests = requests
        self.reply = reply
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let headers = head.headers.map { ($0.name.lowercased(), $0.value) }
            request = ScriptedServer.Request(
                method: head.method.rawValue, uri: head.uri,
                headers: Dictionary(headers, uniquingKeysWith: { first, _ in first }), body: "")
        case .body(let buffer): request?.body += String(buffer: buffer)
        case .end:
            guard let request else { return }
            requests.withLockedValue { $0.append(request) }
            answer(reply(request), context)
        }
    }

    private func answer(_ reply: ScriptedServer.Reply, _ context: ChannelHandlerContext) {
        switch reply {
        case .json(let status, let text):
            let length = ["Content-Length": String(text.utf8.count)]
            head(context, status, status == 204 ? [:] : length)
            piece(context, Array(text.utf8))
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .pieces(let pieces):
            head(context, 200, [:])
            for bytes in pieces { piece(context, bytes) }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .openStream(let text):
            head(context, 200, ["Content-Type": "text/event-stream"])
            piece(context, Array(text.utf8))
        case .broken(let text):
            head(context, 200, [:])
            piece(context, Array(text.utf8))
            context.close(promise: nil)
        case .noAnswer: break
        case .raw(let text):
            context.pipeline.context(handlerType: HTTPResponseEncoder.self).assumeIsolated().whenSuccess { encoder in
                encoder.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
            }
        }
    }

    private func head(_ context: ChannelHandlerContext, _ status: Int, _ headers: [String: String]) {
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status),
            headers: HTTPHeaders(headers.map { ($0.key, $0.value) }))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func piece(_ context: ChannelHandlerContext, _ bytes: [UInt8]) {
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
    }
}
