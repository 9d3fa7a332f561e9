import DTMAPI
import DTMCertificates
import DTMCore
import DTMPlan
import DTMSecrets
import Glibc
import Testing

@testable import DTMManager

/// Control as a whole over its real sockets, with the world around it played.
@Suite struct ControlComponentTests {
    private static func redis() throws -> ControlFixture.Options {
        ControlFixture.Options(applications: [
            Samples.process(99, "redis-server", uid: geteuid(), try Samples.listener("127.0.0.1:6379", uid: geteuid()))
        ])
    }

    @Test func `a PID is protected when its first endpoint accepts, and the answer says what is still open`()
        async throws
    {
        try await ControlFixture.run(try Self.redis()) { control in
            let answer = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            #expect(answer.tunnel.target == "127.0.0.1:6379")
            #expect(answer.tunnel.endpoint?.port == 5_100)
            #expect(answer.tunnel.tier == "fronted")
            #expect(answer.notes.contains { $0.contains("still open") })
            let list = try await control.client.tunnels()
            #expect(list.tunnels.map(\.name) == ["redis"])
            let apps = try await control.client.apps()
            #expect(apps.apps.map(\.tunnel) == ["redis"])
            let removed = try await control.client.unprotect("redis")
            #expect(removed.removed == "redis")
            let left = try await control.client.tunnels().tunnels
            #expect(left.isEmpty)
        }
    }

    @Test func `a name or a target that is taken is a conflict, an unknown tunnel is not found`() async throws {
        try await ControlFixture.run(try Self.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "redis-server"))
            await expect(code: .conflict, name: "target.taken") {
                _ = try await control.client.protect(ProtectRequest(subject: "127.0.0.1:6379", name: "other"))
            }
            await expect(code: .conflict, name: "tunnel.name_taken") {
                _ = try await control.client.protect(ProtectRequest(subject: "127.0.0.1:1", name: "redis"))
            }
            await expect(code: .notFound, name: "tunnel.unknown") { _ = try await control.client.rotate("nothing") }
            await expect(code: .usage, name: "request.invalid") {
                _ = try await control.client.protect(ProtectRequest(subject: "127.0.0.1:2", intervalSeconds: 0.01))
            }
        }
    }

    @Test func `a target that refuses, and a range that is wholly busy, leave no tunnel behind`() async throws {
        var options = ControlFixture.Options()
        options.probe.failure = "connection refused"
        try await ControlFixture.run(options) { control in
            await expect(code: .failed, name: "target.refused") {
                _ = try await control.client.protect(ProtectRequest(subject: "127.0.0.1:1"))
            }
            let left = try await control.client.tunnels().tunnels
            #expect(left.isEmpty)
        }
        options = ControlFixture.Options(failsToBind: true)
        try await ControlFixture.run(options) { control in
            await expect(code: .failed, name: "range.busy") {
                _ = try await control.client.protect(ProtectRequest(subject: "127.0.0.1:1"))
            }
            let left = try await control.client.tunnels().tunnels
            #expect(left.isEmpty)
        }
    }

    @Test func `a rotation is answered when the endpoint has moved, and events tell of it`() async throws {
        try await ControlFixture.run(try Self.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let events = try await control.client.followEvents(after: 0)
            let answer = try await control.client.rotate("redis")
            #expect(answer.rotations.first?.generation == 1)
            #expect(answer.rotations.first?.endpoint?.port == 5_101)
            #expect(answer.rotations.first?.failure == nil)
            var kinds: [String] = []
            for try await event in events {
                kinds.append(event.kind)
                if event.kind == "tunnel.rotated", event.detail["generation"] == .integer(1) { break }
            }
            #expect(kinds.contains("tunnel.added"))
            #expect(kinds.contains("manager.started"))
            let all = try await control.client.rotateAll()
            #expect(all.rotations.count == 1)
        }
    }

    @Test func `a connector gets an identity, its window keys, and hears of every move`() async throws {
        try await ControlFixture.run(try Self.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let key = try LeafKey()
            let request = IdentityRequest(
                certificateRequest: Base64.encode(try key.certificateRequest()), connector: "0123456789abcdef")
            let identity = try await control.client.identity(for: "redis", request)
            #expect(identity.identity.hasSuffix("uid-\(geteuid()).0123456789abcdef"))
            #expect(identity.follow.endpoint?.port == 5_100)
            let keys = try await control.client.windowKeys(for: "redis")
            let id = try found(TunnelID(identity.tunnelID))
            let known = control.plane.read { $0.keys[id]?[keys.current.index] }
            let isSame = try found(known).bytes.isEqual(to: keys.current.key.bytes)
            #expect(isSame)
            #expect(keys.next.index > keys.current.index)
            var updates = try await control.client.follow("redis").makeAsyncIterator()
            guard case .state(let first)? = try await updates.next() else { throw Missing() }
            #expect(first.endpoint?.port == 5_100)
            _ = try await control.client.rotate("redis")
            guard case .state(let second)? = try await updates.next() else { throw Missing() }
            #expect(second.endpoint?.port == 5_101)
            _ = try await control.client.unprotect("redis")
            #expect(try await updates.next() == .gone)
        }
    }

    @Test func `a revocation cuts, moves the endpoint under new keys, and bars the identity`() async throws {
        try await ControlFixture.run(try Self.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let request = IdentityRequest(
                certificateRequest: Base64.encode(try LeafKey().certificateRequest()), connector: "0123456789abcdef")
            let identity = try await control.client.identity(for: "redis", request)
            let before = try await control.client.windowKeys(for: "redis")
            let answer = try await control.client.revokeCertificates(
                CertificateRevokeRequest(subject: identity.identity))
            #expect(answer.certificates.map(\.status) == ["revoked"])
            let after = try await control.client.windowKeys(for: "redis")
            let isSame = after.current.key.bytes.isEqual(to: before.current.key.bytes)
            #expect(!isSame)
            await expect(code: .notPermitted, name: "identity.revoked") {
                _ = try await control.client.identity(for: "redis", request)
            }
            let plan = try found(control.plane.read { $0.plans.last })
            #expect(plan.revokedIdentities == [identity.identity])
        }
    }

    @Test func `leaves and the authority are rotated on demand`() async throws {
        try await ControlFixture.run(try Self.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let leaves = try await control.client.rotateCertificates(
                CertificateRotateRequest(tunnel: "redis", authority: false))
            #expect(leaves.notes.isEmpty)
            #expect(leaves.certificates.map(\.role).sorted() == ["listener", "probe"])
            let authority = try await control.client.rotateCertificates(
                CertificateRotateRequest(tunnel: nil, authority: true))
            #expect(authority.certificates.count == 2)
            #expect(try await control.client.certificates().certificates.contains { $0.role == "authority" })
        }
    }

    @Test
    func `the configuration's tunnels are made true at the start and at a reload, and a bad file changes nothing`()
        async throws
    {
        let options = ControlFixture.Options(configuration: #"{"tunnels":[{"name":"a","target":"127.0.0.1:1"}]}"#)
        try await ControlFixture.run(options) { control in
            #expect(try await control.client.tunnels().tunnels.map(\.origin) == ["configuration"])
            control.source.write(#"{"tunnels":[{"name":"b","target":"127.0.0.1:2"}]}"#)
            let answer = try await control.client.reloadConfiguration()
            #expect(!answer.changes.isEmpty)
            #expect(try await control.client.tunnels().tunnels.map(\.name) == ["b"])
            control.source.write(#"{"tunnels":[{"name":"c","target":"127.0.0.1:2","intervalSeconds":0}]}"#)
            await expect(code: .configuration, name: "configuration.refused") {
                _ = try await control.client.reloadConfiguration()
            }
            #expect(try await control.client.tunnels().tunnels.map(\.name) == ["b"])
            let text = try await control.client.configuration()
            #expect(text.contains("127.0.0.1:2"))
            let kinds = try await control.client.events().events.map(\.kind)
            #expect(kinds.contains("configuration.refused"))
        }
    }

    @Test func `the launcher orders a reload as well`() async throws {
        try await ControlFixture.run { control in
            let events = try await control.client.followEvents(after: 0)
            control.source.write(#"{"tunnels":[{"name":"b","target":"127.0.0.1:2"}]}"#)
            control.launcher.reload()
            for try await event in events where event.kind == "configuration.reloaded" { break }
            #expect(try await control.client.tunnels().tunnels.map(\.name) == ["b"])
        }
    }

    @Test func `another data plane is told everything, and tunnels are without an endpoint until it has opened theirs`()
        async throws
    {
        try await ControlFixture.run(try Self.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let events = try await control.client.followEvents(after: 0)
            control.plane.die()
            for try await event in events where event.kind == "dataplane.lost" { break }
            let status = try await control.client.status()
            #expect(status.degraded.contains { $0.contains("data plane is down") })
            #expect(try await control.client.tunnels().tunnels.first?.endpoint == nil)
            let (second, link) = try ControlFixture.fakeDataPlane(pid: 4_343)
            let again = try await control.client.followEvents(after: 0)
            control.launcher.link(link)
            for try await event in again where event.kind == "tunnel.rotated" && event.id > 5 {
                if second.read({ !$0.plans.isEmpty }) { break }
            }
            #expect(try await control.client.tunnels().tunnels.first?.endpoint?.port == 5_100)
            #expect(second.read { $0.keys.count } == 1)
        }
    }

    @Test func `status tells what scripts rely on, and incidents become events with counts`() async throws {
        try await ControlFixture.run(try Self.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let status = try await control.client.status()
            #expect(status.version == DTMVersion.text)
            #expect(status.state.mode == "ephemeral")
            #expect(status.tunnels == 1)
            #expect(status.memory.residentBytes > 0)
            #expect(status.processes.contains { $0.role == "control" })
            let id = try found(control.plane.read { $0.generations.keys.first })
            let events = try await control.client.followEvents(after: 0)
            try control.plane.report(
                .incident(Incident(tunnel: id, kind: .decoyTouched, at: Samples.now, count: 40, reason: "knocked")))
            for try await event in events where event.kind == "decoy.touched" {
                #expect(event.detail["count"] == .integer(40))
                #expect(event.tunnel == "redis")
                break
            }
        }
    }

    @Test func `a connector's report of a squatter is an event`() async throws {
        try await ControlFixture.run(try Self.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let report = ConnectorReport(
                kind: "squatter", endpoint: EndpointReport(host: "127.1.2.3", port: 5_100), reason: "another authority")
            try await control.client.report(report, on: "redis")
            let kinds = try await control.client.events().events.map(\.kind)
            #expect(kinds.contains("squatter.found"))
        }
    }
}

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

/// Expects an error of the control client.
func expect(
    code: ControlClientError.Code, name: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("nothing was thrown; \(name) was expected", sourceLocation: sourceLocation)
    } catch let error as ControlClientError {
        #expect(error.code == code, sourceLocation: sourceLocation)
        #expect(error.codeName == name, sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error) was thrown; \(name) was expected", sourceLocation: sourceLocation)
    }
}
