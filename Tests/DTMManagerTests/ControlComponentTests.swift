import DTMAPI
import DTMCertificates
import DTMCore
import DTMDoctor
import DTMPlan
import DTMSecrets
import Glibc
import Testing

@testable import DTMManager

/// Control as a whole over its real sockets, with the world around it played.
@Suite struct ControlComponentTests {
    @Test func `a PID is protected when its first endpoint accepts, and the answer says what is still open`()
        async throws
    {
        try await ControlFixture.run(try ControlFixture.redis()) { control in
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
        try await ControlFixture.run(try ControlFixture.redis()) { control in
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

    @Test func `the doctor's checks are the registry's, judged for the manager`() async throws {
        try await ControlFixture.run(try ControlFixture.redis()) { control in
            _ = try await control.client.protect(
                ProtectRequest(subject: "99", name: "redis", portRange: [5_100, 5_200]))
            let report = try await control.client.doctor()
            #expect(report.checks.map(\.code) == HealthRegistry.checks.map(\.code))
            #expect(report.checks.allSatisfy { $0.checkedBy == "manager" })
            #expect(report.home == control.folder.path)
            #expect(report.managerPID == 1)
            let found = Dictionary(uniqueKeysWithValues: report.checks.map { ($0.code, $0) })
            #expect(found["doctor.home"]?.status == "passed")
            #expect(found["doctor.ports"]?.detail.contains("5100-5200") == true)
            #expect(found["doctor.configuration"]?.status == "passed")
            control.source.write(#"{"rotation": {"intervalSeconds": 20}}"#)
            let changed = try await control.client.doctor().checks.first { $0.code == "doctor.configuration" }
            #expect(changed?.detail.contains("rotation.intervalSeconds") == true)
            control.source.write("{")
            let refused = try await control.client.doctor().checks.first { $0.code == "doctor.configuration" }
            #expect(refused?.severity == "error" && refused?.status == "failed")
        }
    }

    @Test func `a rotation is answered when the endpoint has moved, and events tell of it`() async throws {
        try await ControlFixture.run(try ControlFixture.redis()) { control in
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
        try await ControlFixture.run(try ControlFixture.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let events = try await control.client.followEvents(after: 0)
            control.plane.die()
            for try await event in events where event.kind == "dataplane.lost" { break }
            let status = try await control.client.status()
            #expect(status.degraded.contains { $0.contains("data plane is down") })
            #expect(try await control.client.tunnels().tunnels.first?.endpoint == nil)
            let (second, link) = try ControlFixture.fakeDataPlane(pid: 4_343)
            let last = try await control.client.events().events.map(\.id).max() ?? 0
            let again = try await control.client.followEvents(after: last)
            control.launcher.link(link)
            // The endpoint is reported before the rotation is told.
            for try await event in again where event.kind == "tunnel.rotated" { break }
            #expect(try await control.client.tunnels().tunnels.first?.endpoint?.port == 5_100)
            #expect(second.read { $0.keys.count } == 1)
        }
    }

    @Test func `status tells what scripts rely on, and incidents become events with counts`() async throws {
        try await ControlFixture.run(try ControlFixture.redis()) { control in
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
}
