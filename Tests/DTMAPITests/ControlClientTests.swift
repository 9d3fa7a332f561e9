import DTMCore
import DTMSecrets
import Testing

@testable import DTMAPI

@Suite struct ControlClientTests {
    private func failure(_ operation: () async throws -> Void) async -> ControlClientError? {
        await #expect(throws: ControlClientError.self) { try await operation() }
    }

    private static let certificates = #"{"schemaVersion":1,"certificates":[],"notes":[]}"#
    private static func secret(_ text: String) throws -> SharedSecret {
        let bytes = Array(text.utf8)
        return SharedSecret(try SecretBytes(count: bytes.count) { $0.copyBytes(from: bytes) })
    }

    private static let rotations = #"{"schemaVersion":1,"rotations":[]}"#

    /// Each call with the request that it must make and an answer that it must take.
    private static let routes:
        [(request: String, answer: String, call: @Sendable (ControlClient) async throws -> Void)] = [
            (
                "GET /v1/apps",
                #"""
                {"schemaVersion":1,"apps":[],"unattributed":[],"complete":true,"ownOnly":false,"missingCapabilities":[],
                "losses":[],"truncated":false}
                """#,
                { _ = try await $0.apps() }
            ),
            ("GET /v1/tunnels", #"{"schemaVersion":1,"tunnels":[]}"#, { _ = try await $0.tunnels() }),
            (
                "DELETE /v1/tunnels/a%20b", #"{"schemaVersion":1,"removed":"a b"}"#,
                { _ = try await $0.unprotect("a b") }
            ),
            (
                "DELETE /v1/tunnels/a the passphrase", #"{"schemaVersion":1,"removed":"a"}"#,
                { _ = try await $0.unprotect("a", passphrase: secret("the passphrase")) }
            ),
            (
                "POST /v1/configuration/accept the passphrase", #"{"schemaVersion":1,"accepted":[]}"#,
                { _ = try await $0.acceptConfiguration(passphrase: secret("the passphrase")) }
            ),
            (
                "POST /v1/auto-tunnel?enabled=false the passphrase", #"{"schemaVersion":1,"enabled":false}"#,
                { _ = try await $0.setAutoTunnel(enabled: false, passphrase: secret("the passphrase")) }
            ),
            ("POST /v1/tunnels/redis/rotate", rotations, { _ = try await $0.rotate("redis") }),
            ("POST /v1/tunnels/..%2fx/rotate", rotations, { _ = try await $0.rotate("../x") }),
            ("POST /v1/rotate", rotations, { _ = try await $0.rotateAll() }),
            ("GET /v1/events", #"{"schemaVersion":1,"events":[]}"#, { _ = try await $0.events() }),
            ("GET /v1/events?since=9", #"{"schemaVersion":1,"events":[]}"#, { _ = try await $0.events(after: 9) }),
            (
                "GET /v1/certificates", #"{"schemaVersion":1,"trustDomain":"x","certificates":[]}"#,
                { _ = try await $0.certificates() }
            ),
            (
                #"POST /v1/certificates/rotate {"authority":true,"tunnel":null}"#, certificates,
                { _ = try await $0.rotateCertificates(.init(tunnel: nil, authority: true)) }
            ),
            (
                #"POST /v1/certificates/revoke {"subject":"0a"}"#, certificates,
                { _ = try await $0.revokeCertificates(.init(subject: "0a")) }
            ),
            (
                "GET /v1/configuration", #"{"rotation":{}}"#,
                {
                    let text = try await $0.configuration()
                    #expect(text == #"{"rotation":{}}"#)
                }
            ),
            (
                "POST /v1/configuration/reload", #"{"schemaVersion":1,"changes":["a"],"needsRestart":[]}"#,
                {
                    let answer = try await $0.reloadConfiguration()
                    #expect(answer.changes == ["a"])
                }
            ),
        ]

    @Test(arguments: routes.indices)
    func `Each call makes its request`(index: Int) async throws {
        let route = Self.routes[index]
        try await ScriptedServer.with(reply: { _ in .json(200, route.answer) }) { server in
            try await ControlClient.withClient(at: server.locator) { try await route.call($0) }
            let requests = server.requests
            let lines = requests.map { "\($0.method) \($0.uri)" + ($0.body.isEmpty ? "" : " \($0.body)") }
            #expect(lines == [route.request])
            #expect(requests.first?.headers["host"] == "localhost")
        }
    }

    @Test func `A report has no answer`() async throws {
        try await ScriptedServer.with(reply: { _ in .json(204, "") }) { server in
            try await ControlClient.withClient(at: server.locator) { client in
                let endpoint = EndpointReport(host: "127.0.0.1", port: 5000)
                try await client.report(ConnectorReport(kind: "squatter", endpoint: endpoint, reason: "x"), on: "redis")
            }
            #expect(server.requests.first?.uri == "/v1/tunnels/redis/reports")
        }
    }

    @Test(arguments: [
        (400, "request.body", ControlClientError.Code.usage, Int32(64)),
        (400, "configuration.value", .configuration, 78), (422, "configuration.value", .configuration, 78),
        (422, "target.refused", .failed, 1), (403, "rights.steer", .notPermitted, 77),
        (403, "operator.passphrase_needed", .passphraseNeeded, 77), (429, "operator.slowed", .failed, 1),
        (404, "tunnel.unknown", .notFound, 1), (409, "tunnel.taken", .conflict, 1),
        (500, "internal", .failed, 1), (503, "starting", .failed, 1),
    ])
    func `An error keeps the manager's words and gets its exit status`(
        status: Int, name: String, code: ControlClientError.Code, exit: Int32
    ) async throws {
        let body = #"{"schemaVersion":1,"error":{"code":"\#(name)","message":"no","hint":"do this"}}"#
        try await ScriptedServer.with(reply: { _ in .json(status, body) }) { server in
            let error = await failure {
                try await ControlClient.withClient(at: server.locator) { _ = try await $0.tunnels() }
            }
            #expect(error?.code == code)
            #expect(error?.exitStatus == exit)
            #expect(error?.codeName == name)
            #expect(error?.message == "no")
            #expect(error?.hint == "do this")
        }
    }

    @Test func `An error without a body names the request and the status`() async throws {
        try await ScriptedServer.with(reply: { _ in .json(500, "<html>") }) { server in
            let error = await failure {
                try await ControlClient.withClient(at: server.locator) { _ = try await $0.status() }
            }
            #expect(error?.message == "the manager answered GET /v1/status with HTTP status 500")
        }
    }

    @Test(arguments: [
        ScriptedServer.Reply.json(200, "{}"), .json(200, "nonsense"), .raw("nonsense\r\n\r\n"),
    ])
    func `What can't be read is an error and not a guess`(reply: ScriptedServer.Reply) async throws {
        try await ScriptedServer.with(reply: { _ in reply }) { server in
            let error = await failure {
                try await ControlClient.withClient(at: server.locator) { _ = try await $0.tunnels() }
            }
            #expect(error?.code == .incompatible)
        }
    }

    @Test func `A manager that breaks off has gone away`() async throws {
        try await ScriptedServer.with(reply: { _ in .broken("{") }) { server in
            let error = await failure {
                try await ControlClient.withClient(at: server.locator) { _ = try await $0.tunnels() }
            }
            #expect(error?.code == .unreachable)
        }
    }

    @Test(arguments: [ScriptedServer.Reply.noAnswer, .openStream("{")])
    func `A manager that does not answer is given up`(reply: ScriptedServer.Reply) async throws {
        let timeouts = ControlClient.Timeouts(look: .milliseconds(50))
        try await ScriptedServer.with(reply: { _ in reply }) { server in
            let error = await failure {
                try await ControlClient.withClient(at: server.locator, timeouts: timeouts) {
                    _ = try await $0.tunnels()
                }
            }
            #expect(error?.code == .timedOut)
        }
    }

    @Test(arguments: ["with space", "é%2f", "a:b@c?d#e"])
    func `Any home that a file system allows can be reached`(name: String) async throws {
        try await ScriptedServer.with(homeNamed: name, reply: { _ in .json(200, Self.rotations) }) { server in
            try await ControlClient.withClient(at: server.locator) { _ = try await $0.rotateAll() }
        }
    }

    @Test func `A cancelled call ends as cancelled`() async throws {
        let (asked, continuation) = AsyncStream.makeStream(of: Void.self)
        try await ScriptedServer.with(reply: { _ in
            continuation.yield()
            return .noAnswer
        }) { server in
            await ControlClient.withClient(at: server.locator) { client in
                await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try await client.tunnels() }
                    for await _ in asked { break }
                    group.cancelAll()
                    await #expect(throws: CancellationError.self) { try await group.next() }
                }
            }
        }
    }
}
