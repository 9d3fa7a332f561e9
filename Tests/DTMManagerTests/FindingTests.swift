import DTMAPI
import DTMAnalysis
import DTMCore
import DTMDiscovery
import DTMPlan
import DTMPolicy
import DTMTelemetry
import Glibc
import Synchronization
import Testing

@testable import DTMManager

@Suite struct FindingTests {
    private func touch(_ tunnel: TunnelID, at time: Timestamp, uid: UInt32 = 1_001) throws -> DataPlaneMessage {
        .incident(
            Incident(
                tunnel: tunnel, kind: .decoyTouched, at: time, peer: try found(Endpoint("127.0.0.1:40000")),
                local: try found(Endpoint("127.1.2.3:5101")), reason: "the peer did not speak TLS", cause: .notTLS,
                owner: SocketOwner(uid: uid, inode: 77)))
    }

    private func raised(_ control: ControlFixture) async throws -> EventReport {
        for try await event in try await control.client.followEvents(after: 0) where event.kind == "finding.raised" {
            return event
        }
        throw ManagerError(.failed, "the stream ended")
    }

    @Test func `A touched decoy is a finding with its user, on every surface, until somebody dismisses it`()
        async throws
    {
        try await ControlFixture.run(try ControlFixture.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            #expect(try await control.client.findings().available)
            #expect(try await control.client.findings().findings.isEmpty)
            let id = try found(control.plane.read { $0.generations.keys.first })
            try control.plane.report(try touch(id, at: control.assembly.setting.clock.now()))
            let event = try await raised(control)
            #expect(event.severity == .error && event.tunnel == "redis")
            let list = try await control.client.findings()
            let finding = try found(list.findings.first)
            #expect(event.detail["id"] == .string(finding.id))
            #expect(finding.code == "decoy.touched" && finding.verdict == "threat" && finding.tunnel == "redis")
            #expect(finding.evidence.contains("uid 1001") && finding.evidence.contains("cause not_tls"))
            #expect((list.risk?.machine ?? 0) >= 70 && list.risk?.threshold == 70)
            #expect(list.risk?.tunnels.map(\.name) == ["redis"])
            var live = try await control.client.live().makeAsyncIterator()
            #expect(try await live.next()?.findings?.findings.map(\.id) == [finding.id])
            await expect(code: .notFound, name: "finding.unknown") {
                _ = try await control.client.dismissFinding("none")
            }
            #expect(try await control.client.dismissFinding(finding.id).id == finding.id)
            #expect(try await control.client.findings().findings.isEmpty)
            var isGone = false
            while !isGone, let update = try await live.next() { isGone = update.findings?.findings.isEmpty ?? false }
            #expect(isGone)
            #expect(try await control.client.events().events.contains { $0.kind == "finding.dismissed" })
        }
    }

    @Test func `Who may not steer sees what is about his own tunnels, and the risk out of that`() {
        func finding(_ tunnel: String?) -> Finding {
            Finding(
                id: tunnel ?? "host", code: "a.\(tunnel ?? "")", time: Samples.now, subject: .host, tunnel: tunnel,
                risk: tunnel == "mine" ? 30 : 90, title: "t")
        }
        let scene = FindingScene(
            [finding(nil), finding("theirs"), finding("mine")], at: Samples.now, threshold: 70)
        let own = scene.list(tunnels: ["mine"])
        #expect(own.findings.map(\.id) == ["mine"] && own.total == 1 && own.risk?.machine == 30)
        #expect(own.risk?.tunnels.map(\.name) == ["mine"])
        #expect(scene.list(tunnels: nil).findings.count == 3 && scene.list(tunnels: []).risk?.machine == 0)
        #expect(FindingScene().list(tunnels: nil) == FindingList(available: false, findings: []))
        var composer = LiveComposer(at: Samples.now)
        composer.take(scene, change: 1, at: Samples.now)
        let sight = LiveSight(
            caller: Samples.caller(5), rights: .init(managerUID: 6), maySteer: false, seesTunnel: { _ in true })
        var diff = LiveDiff(sight)
        #expect(diff.next(composer.picture, [])?.findings?.findings.isEmpty == true)
    }

    @Test func `Who is refused again and again is recorded a few times, with a count, and others apart`() {
        let journal = EventJournal()
        let refusals = RefusalMiddleware(
            recorder: EventRecorder(journal: journal, log: nil, clock: WallClock()))
        for _ in 0..<100 { refusals.note(Samples.caller(7), route: "POST /v1/x\u{1b}", code: "permission.denied") }
        refusals.note(Samples.caller(8), route: "GET /", code: "permission.denied")
        let events = journal.events(after: 0).entries.map(\.event)
        #expect(events.count < 10 && events.allSatisfy { $0.kind == Event.Kind.apiRefused })
        #expect(events.last?.detail["uid"] == .integer(8) && events.first?.detail["uid"] == .integer(7))
        #expect(!"\(events[0].detail)".contains("\u{1b}"))
    }

    @Test func `A console is told again only when something changed, and of the riskiest alone`() {
        var composer = LiveComposer(at: Samples.now)
        let findings = (0..<100).map {
            Finding(
                id: "\($0)", code: "a.\($0)", time: Samples.now, subject: .host, risk: 100 - $0, title: "t",
                evidence: Array(repeating: String(repeating: "é", count: 200), count: 12))
        }
        #expect(composer.wantsFindings(change: 1, at: Samples.now))
        composer.take(
            FindingScene(findings, at: Samples.now, threshold: 70, limit: LiveBounds.findings), change: 1,
            at: Samples.now)
        #expect(!composer.wantsFindings(change: 1, at: Samples.now + .seconds(59)))
        #expect(composer.wantsFindings(change: 1, at: Samples.now + .seconds(60)))
        #expect(composer.wantsFindings(change: 2, at: Samples.now))
        let list = composer.picture.findings.value.list(tunnels: nil)
        #expect(list.findings.count == 40 && list.total == 100 && list.findings.first?.risk == 100)
        #expect((try? APIJSON.encode(list).count) ?? .max < 256 << 10)
    }
}

@Suite struct ApplicationProgramWatchTests {
    private func look(_ running: UInt64?, _ onDisk: UInt64?, size: Int64 = 0) -> ApplicationProgramWatch.Look {
        ApplicationProgramWatch.Look(
            process: .init(pid: 7, startTicks: 1), app: "redis", uid: 1_000, path: "/usr/bin/redis",
            running: running.map { ProgramFile(inode: $0) }, onDisk: onDisk.map { ProgramFile(inode: $0, size: size) })
    }

    @Test func `A file that is replaced, written to or removed under a program is told once`() {
        for after in [look(1, 2), look(1, nil), look(1, 1, size: 9)] {
            var watch = ApplicationProgramWatch()
            #expect(watch.look([look(1, 1)], at: Samples.now).isEmpty)
            #expect(watch.look([after], at: Samples.now).map(\.kind) == [Event.Kind.applicationExecutableChanged])
            #expect(watch.look([after], at: Samples.now).isEmpty)
        }
    }

    @Test func `A program that never was the file at its path is left alone, and so is one that can't be read`() {
        var watch = ApplicationProgramWatch()
        #expect(watch.look([look(1, 2)], at: Samples.now).isEmpty && watch.look([look(1, 3)], at: Samples.now).isEmpty)
        var blind = ApplicationProgramWatch()
        #expect(
            blind.look([look(nil, 2)], at: Samples.now).isEmpty && blind.look([look(nil, 3)], at: Samples.now).isEmpty)
    }
}
