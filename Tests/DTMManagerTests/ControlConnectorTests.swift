import DTMAPI
import DTMCertificates
import DTMCore
import DTMPlan
import DTMSecrets
import Glibc
import Testing

@testable import DTMManager

/// What connectors ask of control, and what happens to their certificates.
@Suite struct ControlConnectorTests {
    @Test func `a connector gets an identity, its window keys, and hears of every move`() async throws {
        try await ControlFixture.run(try ControlFixture.redis()) { control in
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
        try await ControlFixture.run(try ControlFixture.redis()) { control in
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

    @Test func `auto-tunnel is switched until the manager ends`() async throws {
        try await ControlFixture.run { control in
            #expect(try await control.client.status().autoTunnel == false)
            #expect(try await control.client.setAutoTunnel(enabled: true).enabled)
            #expect(try await control.client.status().autoTunnel)
            let kinds = try await control.client.events().events.map(\.kind)
            #expect(kinds.contains("autotunnel.switched"))
        }
    }

    @Test func `analysis is switched until the manager ends, and an answer says that there is an analyst`() async throws
    {
        try await ControlFixture.run(.init(configuration: #"{"analysis": {"enabled": true}}"#)) { control in
            #expect(try await control.client.status().analysis)
            let answer = try await control.client.setAnalysis(enabled: false)
            #expect(!answer.enabled && answer.available == true)
            #expect(try await control.client.status().analysis == false)
            let event = try await control.client.events().events.first { $0.kind == "analysis.switched" }
            #expect(event?.detail["enabled"] == .boolean(false))
            let findings = try await control.client.findings()
            // Rules need no analyst.
            #expect(findings.available && findings.findings.isEmpty)
        }
    }

    @Test func `a hosted connector listens and serves no program that the policy does not know`() async throws {
        var options = try ControlFixture.redis()
        options.programs = FakePrograms(known: ConnectingProgram(uid: geteuid()))
        try await ControlFixture.run(options) { control in
            _ = try await control.client.protect(
                ProtectRequest(subject: "99", name: "redis", allow: ["exe:/usr/bin/redis-cli"]))
            await #expect(throws: ControlClientError.self) {
                for try await _ in try await control.client.host("redis", .listen("192.0.2.1:80")) {}
            }
            for try await update in try await control.client.host("redis", .listen("127.0.0.1:0")) {
                guard case .failed(let body) = update else {
                    Issue.record("the update is \(update)")
                    return
                }
                // The fixture's control is not the process that calls: its connector is refused like anybody's.
                #expect(body.error.code == "connect.denied")
                return
            }
        }
    }

    @Test func `leaves and the authority are rotated on demand`() async throws {
        try await ControlFixture.run(try ControlFixture.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let leaves = try await control.client.rotateCertificates(
                CertificateRotateRequest(tunnel: "redis", authority: false))
            #expect(leaves.notes.isEmpty)
            #expect(leaves.certificates.map(\.role).sorted() == ["listener", "probe"])
            let authority = try await control.client.rotateCertificates(
                CertificateRotateRequest(tunnel: nil, authority: true))
            #expect(authority.certificates.count == 2)
            #expect(authority.notes.first?.hasPrefix("the new authority is published now") == true)
            #expect(try await control.client.certificates().certificates.contains { $0.role == "authority" })
            let again = try await control.client.rotateCertificates(
                CertificateRotateRequest(tunnel: nil, authority: true))
            #expect(again.certificates.map(\.serial) == authority.certificates.map(\.serial))
            #expect(again.notes.first?.hasPrefix("a new authority was published before") == true)
        }
    }

    @Test func `a connector's report of a squatter is an event`() async throws {
        try await ControlFixture.run(try ControlFixture.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let report = ConnectorReport(
                kind: "squatter", endpoint: EndpointReport(host: "127.1.2.3", port: 5_100), reason: "another authority")
            try await control.client.report(report, on: "redis")
            let kinds = try await control.client.events().events.map(\.kind)
            #expect(kinds.contains("squatter.found"))
        }
    }
}
