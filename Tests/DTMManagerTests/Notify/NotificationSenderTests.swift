import AsyncHTTPClient
import DTMConfiguration
import DTMCore
import DTMNotify
import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import DTMManager

/// What a receiver does with whoever asks.
private enum Manners: Sendable {
    case answer(String)
    case hangUp
    case silence
    /// An answer that begins and never ends.
    case drip
}

/// A receiver that takes one kind of manners for all.
private final class RudeReceiver: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    let manners: Manners

    init(_ manners: Manners) { self.manners = manners }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        func say(_ text: String) { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil) }
        switch manners {
        case .answer(let text): say(text)
        case .hangUp: context.close(promise: nil)
        case .silence: break
        case .drip: say("HTTP/1.1 2")
        }
    }
}

@Suite struct NotificationSenderTests {
    /// A second is the shortest that a configuration allows.
    private static let limit = 1.0

    private func result(_ manners: Manners, keyMode: mode_t = 0o600) async throws -> AttemptResult {
        let folder = try TemporaryFolder()
        let key = "\(folder.path)/key"
        try write("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", to: key, mode: keyMode)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { $0.pipeline.addHandler(RudeReceiver(manners)) }
            .bind(host: "127.0.0.1", port: 0).get()
        let http = NotificationSender.client(on: group)
        let sender = NotificationSender(
            http: http, keys: NotificationKeys(managerUID: geteuid(), credentials: folder.path),
            hooks: NoHooks(), files: HookFile(managerUID: geteuid()), wall: WallClock())
        let port = try #require(server.localAddress?.port)
        var webhook = WebhookConfiguration(
            name: try #require(TunnelName("a")), url: try #require(WebhookURL("http://127.0.0.1:\(port)/in")),
            key: .file(try #require(AbsolutePath(key))))
        webhook.limits.timeoutSeconds = Self.limit
        let test = Notification(testAt: Timestamp(seconds: 1), id: "msg_1")
        let result = await sender.send(test, to: .webhook(webhook))
        try await http.shutdown()
        try await server.close().get()
        try await group.shutdownGracefully()
        return result
    }

    @Test(arguments: [200, 204]) func `Any 2xx is taken`(_ code: Int) async throws {
        let head = "HTTP/1.1 \(code) x\r\ncontent-length: \(code == 200 ? 1_000_000_000 : 0)\r\n\r\n"
        #expect(try await result(.answer(head)) == .accepted)
    }

    @Test func `A status comes with what the receiver asks for`() async throws {
        let head = "HTTP/1.1 429 x\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"
        #expect(try await result(.answer(head)) == .status(429, retryAfter: .seconds(7)))
    }

    @Test func `A redirect is an answer and is not followed`() async throws {
        let head = "HTTP/1.1 307 x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
        #expect(try await result(.answer(head)) == .status(307, retryAfter: nil))
    }

    @Test func `Whoever says nothing, or never comes to an end, has his time`() async throws {
        #expect(try await result(.silence) == .unreachable("no answer within 1 s"))
        #expect(try await result(.drip) == .unreachable("no answer within 1 s"))
    }

    @Test func `Whoever hangs up may be asked again`() async throws {
        guard case .unreachable = try await result(.hangUp) else {
            Issue.record("it is given up")
            return
        }
    }

    @Test(arguments: [0o640, 0o604, 0o644] as [mode_t])
    func `A key that others can read is not used`(_ mode: mode_t) async throws {
        guard case .refused(let reason) = try await result(.silence, keyMode: mode) else {
            Issue.record("it was used")
            return
        }
        #expect(reason.contains("is not private"))
    }
}

@Suite struct HookTests {
    private func run(
        _ script: String, mode: mode_t = 0o755, limit: Duration = .seconds(30)
    ) async throws -> (HookOutcome, output: String) {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/hook"
        try write("#!/bin/sh\ncd \(folder.path)\n\(script)\n", to: path, mode: mode)
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        let order = HookOrder(path: path, input: Array(#"{"a":1}"#.utf8), limit: limit)
        let outcome = await HookStarter(thread: thread).run(order)
        try await thread.shutdownGracefully()
        let output = fopen("\(folder.path)/out", "r")
        guard let output else { return (outcome, "") }
        defer { fclose(output) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = fread(&bytes, 1, bytes.count, output)
        return (outcome, String(decoding: bytes.prefix(count), as: UTF8.self))
    }

    @Test func `It gets the notification, two variables, no argument and no descriptor`() async throws {
        let (outcome, output) = try await run(
            "{ cat; echo; echo $#; env | sort | grep -v ^PWD; } > out; ls /proc/self/fd")
        // The last descriptor is that of ls itself.
        #expect(outcome == .exited(0, output: "0\n1\n2\n3\n"))
        #expect(
            output.hasPrefix("{\"a\":1}\n0\nLANG=C.UTF-8\n")
                && output.hasSuffix("\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n"))
    }

    @Test func `Its status and what it said come back, the latter in part`() async throws {
        let (outcome, _) = try await run("head -c 100000 /dev/zero | tr '\\0' x; exit 3")
        guard case .exited(3, let said) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(said == String(repeating: "x", count: 4_096))
    }

    @Test func `One that does not end is ended, with what it started`() async throws {
        let (outcome, output) = try await run(
            "trap '' TERM; sleep 1000 & echo $! > out; wait", limit: .milliseconds(500))
        #expect(outcome == .timedOut)
        let child = try #require(Int32(output.split(separator: "\n").first ?? ""))
        #expect(kill(child, 0) != 0 || Self.isZombie(child))
    }

    private static func isZombie(_ pid: Int32) -> Bool {
        guard let file = fopen("/proc/\(pid)/stat", "r") else { return true }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self).contains(") Z ")
    }

    @Test func `A file that others can write, or that is no program, is not started`() throws {
        let folder = try TemporaryFolder()
        for (mode, isFine) in [(0o755, true), (0o700, true), (0o775, false), (0o757, false), (0o644, false)] {
            let path = "\(folder.path)/hook\(mode)"
            try write("#!/bin/sh\n", to: path, mode: mode_t(mode))
            let file = try #require(AbsolutePath(path))
            let check = Result { () throws(NotifyError) in try HookFile(managerUID: geteuid()).check(file) }
            if case .success = check { #expect(isFine) } else { #expect(!isFine) }
        }
    }
}

private struct NoHooks: HookStarting {
    func run(_ order: HookOrder) async -> HookOutcome { .notStarted("none here") }
}

private func write(_ text: String, to path: String, mode: mode_t) throws {
    guard let file = fopen(path, "w") else { throw POSIXFailure(code: errno) }
    fputs(text, file)
    fclose(file)
    chmod(path, mode)
}
