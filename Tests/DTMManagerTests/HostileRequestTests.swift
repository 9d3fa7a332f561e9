import DTMAPI
import DTMCore
import Testing

@testable import DTMManager

/// What no client of ours sends.
@Suite struct HostileRequestTests {
    @Test(arguments: [
        ("GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "route.unknown"),
        (
            "POST /v1/tunnels HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\n{]}", 400,
            "request.invalid"
        ),
        (
            "POST /v1/tunnels HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", 400,
            "request.invalid"
        ),
        ("GET /v1/events?since=soon HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400, "request.invalid"),
        (
            "GET /v1/tunnels/..%2f..%2fetc/windows HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404,
            "tunnel.unknown"
        ),
    ])
    func `is answered with an error that names what is wrong`(_ request: String, _ status: Int, _ code: String)
        async throws
    {
        try await ControlFixture.run { control in
            let answer = try await UnixExchange.send(Array(request.utf8), to: control.socketPath)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains(code))
        }
    }

    @Test func `a body without end is cut off, and garbage is refused; others are served on`() async throws {
        try await ControlFixture.run { control in
            let head = "POST /v1/tunnels HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 70000\r\n\r\n"
            let large = try await UnixExchange.send(
                Array(head.utf8) + Array(repeating: 0x20, count: 70_000), to: control.socketPath)
            #expect(large.hasPrefix("HTTP/1.1 413 "))
            let garbage = try await UnixExchange.send(
                Array("\u{16}\u{3}\u{1}hello\r\n\r\n".utf8), to: control.socketPath)
            #expect(garbage.isEmpty || garbage.hasPrefix("HTTP/1.1 400 "))
            let tunnels = try await control.client.tunnels().tunnels
            #expect(tunnels.isEmpty)
        }
    }

    @Test func `two names for one place are one target`() async throws {
        var options = ControlFixture.Options()
        options.names.known["localhost"] = [try found(IPAddress("127.0.0.1"))]
        try await ControlFixture.run(options) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "127.0.0.1:6379", name: "a"))
            await expect(code: .conflict, name: "target.taken") {
                _ = try await control.client.protect(ProtectRequest(subject: "localhost:6379", name: "b"))
            }
            await expect(code: .failed, name: "target.unresolved") {
                _ = try await control.client.protect(ProtectRequest(subject: "nowhere.test:6379", name: "c"))
            }
        }
    }
}
