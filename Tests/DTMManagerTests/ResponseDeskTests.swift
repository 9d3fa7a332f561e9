import DTMAPI
import DTMCertificates
import DTMConfiguration
import DTMCore
import DTMPlan
import DTMResponse
import DTMState
import DTMTelemetry
import DTMTestSupport
import Glibc
import Testing

@testable import DTMManager

@Suite struct ResponseDeskTests {
    private static let nmap = ResponseSubject.program(uid: 1_001, executable: "/usr/bin/nmap")

    private struct Desk {
        let desk: ResponseDesk
        let effects: RecordedEffects
        let clock: HeldClock
        let recorder: EventRecorder

        init(_ json: String = #"{"response": {"mode": "protect"}}"#, kept: [UInt8]? = nil) throws {
            let clock = HeldClock()
            let configuration = try Configuration.parse(Array(json.utf8), source: "test.json")
            self.clock = clock
            effects = RecordedEffects()
            recorder = Samples.recorder(clock)
            desk = ResponseDesk(
                kept: kept, effects: effects,
                protection: ResponseProtection(
                    managerUID: 500, ownExecutable: "/usr/bin/dtm", accounts: FakeAccounts(),
                    connectors: ConnectorBook()
                ), configuration: { configuration }, recorder: recorder, clock: clock, keeper: nil)
        }

        func press(_ subject: ResponseSubject, _ times: Int, tunnel: String? = "redis") async {
            for _ in 0..<times {
                await desk.take(
                    Finding(
                        id: "f", code: "test.finding", time: clock.now(), subject: subject, tunnel: tunnel, risk: 90,
                        title: "seen"))
                clock.advance(.seconds(60))
            }
        }

        var kinds: [String] { recorder.journal.events(after: 0).entries.map(\.event.kind) }
    }

    @Test func `what is found is answered rung by rung, told, and taken back when its time is over`() async throws {
        let desk = try Desk()
        await desk.press(Self.nmap, 7)
        #expect(await desk.effects.rotated == ["redis"])
        #expect(await desk.effects.decoys == ["redis"])
        #expect(await desk.effects.throttled == [Self.nmap])
        #expect(await desk.effects.quarantined == [Self.nmap])
        let list = await desk.desk.list
        #expect(list.active.map(\.rung) == ["raise-decoys", "throttle", "quarantine"])
        #expect(list.pending.map(\.rung) == ["revoke", "stop-application"])
        desk.clock.advance(.seconds(600))
        await desk.desk.tick()
        #expect(await desk.effects.quarantined.isEmpty)
        #expect(await desk.effects.throttled.isEmpty)
        #expect(await desk.effects.decoys.isEmpty)
        for kind in ["notified", "performed", "proposed", "undone"] { #expect(desk.kinds.contains("response.\(kind)")) }
    }

    @Test func `what can't be taken back waits for a person, and spares who is protected`() async throws {
        let desk = try Desk(#"{"response": {"mode": "protect", "protected": ["uid:7", "exe:/usr/bin/psql"]}}"#)
        await desk.press(Self.nmap, 7)
        let pending = await desk.desk.list.pending
        let ids = try pending.map { try found(DTMResponse.Response.ID($0.id)) }
        #expect(await desk.desk.needsOperator(ids[0]))
        #expect(try await desk.desk.approve(ids[0], by: 1).state == "done")
        #expect(await desk.effects.revoked == [Self.nmap])
        await #expect(throws: ManagerError(.responseNotUndoable, "")) { try await desk.desk.undo(ids[0], by: 1) }
        _ = try await desk.desk.approve(ids[1], by: 1)
        let spared = try #require(await desk.effects.spared)
        #expect(spared.uids == [0, 500, 7] && spared.executables == ["/usr/bin/psql", "/usr/bin/dtm"])
        #expect(await desk.effects.ended.isEmpty)
        desk.clock.advance(ResponseDesk.patience)
        await desk.desk.tick()
        #expect(await desk.effects.ended == [StoppedProcess(pid: 2_000_000_000, startTicks: 7)])
        for uid: UInt32 in [0, 500, 7] {
            await desk.press(.program(uid: uid, executable: "/bin/x"), 6)
            await desk.press(.identity("spiffe://d/client/x/uid-\(uid).0123"), 6)
        }
        #expect(await desk.desk.list.active.allSatisfy { $0.subject.contains("nmap") || $0.rung == "raise-decoys" })
    }

    @Test func `a stop takes everything back, and a failure is told and counts as not done`() async throws {
        let desk = try Desk()
        await desk.effects.fail(ManagerError(.tunnelUnknown, "the tunnel is gone"))
        await desk.press(Self.nmap, 2)
        #expect(desk.kinds.contains("response.failed"))
        await desk.effects.fail(nil)
        await desk.press(Self.nmap, 4)
        #expect(await desk.effects.quarantined == [Self.nmap])
        await desk.desk.stop(by: 1)
        #expect(await desk.effects.quarantined.isEmpty)
        #expect(await desk.effects.decoys.isEmpty)
        await desk.press(Self.nmap, 6)
        #expect(await desk.desk.list.active.isEmpty)
        await desk.desk.resume(by: 1)
        #expect(await !desk.desk.list.stopped)
        for kind in ["stopped", "resumed"] { #expect(desk.kinds.contains("response.\(kind)")) }
    }

    @Test func `consoles are told the latest up to a bound, and every decision is news to them`() async throws {
        let desk = try Desk()
        await desk.press(Self.nmap, 7)
        let list = await desk.desk.list(atMost: 1)
        #expect(list.active.map(\.rung) == ["quarantine"] && list.pending.map(\.rung) == ["stop-application"])
        #expect(list.past.isEmpty && list.omitted == 3)
        #expect(await desk.desk.list(atMost: 64).omitted == nil)
        var seen = await desk.desk.change
        func isNews() async -> Bool {
            let now = await desk.desk.change
            defer { seen = now }
            return now > seen
        }
        #expect(await !isNews())
        _ = try await desk.desk.undo(try found(DTMResponse.Response.ID(list.active[0].id)), by: 1)
        #expect(await isNews())
        await desk.desk.stop(by: 1)
        #expect(await isNews())
        // Nothing is in force any more.
        await desk.desk.stop(by: 1)
        #expect(await isNews())
        await desk.desk.resume(by: 1)
        #expect(await isNews())
    }

    @Test func `observe does nothing`() async throws {
        let desk = try Desk(#"{"response": {"mode": "observe"}}"#)
        await desk.press(Self.nmap, 12)
        #expect(await desk.desk.list.active.isEmpty)
        #expect(await desk.effects.rotated.isEmpty)
        #expect(await desk.desk.list.pending.count == 6)
    }

    @Test func `a journal that can't be read is told, and begun anew`() async throws {
        let desk = try Desk(kept: [9, 9, 9])
        await desk.desk.start()
        #expect(desk.kinds == ["response.failed"])
    }
}

/// Over the real sockets, with a data plane that is played.
@Suite struct ResponseRouteTests {
    private static func options(_ json: String = #"{"response": {"mode": "protect", "climbSeconds": 1}}"#) throws
        -> ControlFixture.Options
    {
        var options = try ControlFixture.redis()
        options.configuration = json
        options.clock = HeldClock()
        options.responsePolicy.quarantineShare = 0
        return options
    }

    private static func finding(_ subject: ResponseSubject, _ tunnel: String?) -> Finding {
        Finding(
            id: "f", code: "test.finding", time: Samples.now, subject: subject, tunnel: tunnel, risk: 90, title: "seen")
    }

    private static func press(_ control: ControlFixture, _ subject: ResponseSubject, _ times: Int) async {
        for _ in 0..<times {
            (control.assembly.setting.clock as? HeldClock)?.advance(.seconds(1))
            await control.assembly.parts.responses.take(finding(subject, "redis"))
        }
    }

    private static func mallory(_ control: ControlFixture) async throws -> String {
        let answer = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
        let tunnel = try found(SPIFFEID(answer.tunnel.identity))
        let id = try found(TunnelID(tunnel.segments.last ?? ""))
        return try found(SPIFFEID.client(of: id, who: "uid-1001.0123", in: tunnel.trustDomain)).description
    }

    /// Waits until the data plane's plan is as it should be.
    private static func planned(_ control: ControlFixture, _ isRight: @Sendable (Plan) -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            if control.plane.read({ $0.plans.last.map(isRight) ?? false }) { return true }
            await Task.yield()
        }
        return false
    }

    @Test func `a quarantine is in the plan until it is taken back, and a revocation for good`() async throws {
        try await ControlFixture.run(try Self.options()) { control in
            let mallory = try await Self.mallory(control)
            await Self.press(control, .identity(mallory), 6)
            #expect(
                await Self.planned(control) { $0.revokedIdentities == [mallory] && $0.throttledIdentities == [mallory] }
            )
            var list = try await control.client.responses()
            #expect(list.mode == "protect" && list.active.map(\.rung) == ["raise-decoys", "throttle", "quarantine"])
            for entry in list.active { _ = try await control.client.decide(.undo, entry.id) }
            #expect(await Self.planned(control) { $0.revokedIdentities.isEmpty && $0.throttledIdentities.isEmpty })
            list = try await control.client.responses()
            let revoke = try #require(list.pending.first)
            #expect(revoke.rung == "revoke" && list.active.isEmpty && list.past.count == 4)
            #expect(try await control.client.decide(.approve, revoke.id).state == "done")
            #expect(await Self.planned(control) { $0.revokedIdentities == [mallory] })
            await expect(code: .conflict, name: "response.not_undoable") {
                _ = try await control.client.decide(.undo, revoke.id)
            }
            await expect(code: .notFound, name: "response.unknown") {
                _ = try await control.client.decide(.undo, "r99")
            }
            await expect(code: .notFound, name: "response.unknown") {
                _ = try await control.client.decide(.dismiss, "x")
            }
        }
    }

    @Test func `proposals are approved and dismissed, and a stop holds until it is resumed`() async throws {
        try await ControlFixture.run(try Self.options(#"{"response": {"climbSeconds": 1}}"#)) { control in
            let mallory = try await Self.mallory(control)
            await Self.press(control, .identity(mallory), 5)
            let pending = try await control.client.responses().pending
            try #require(pending.map(\.rung) == ["throttle", "quarantine"])
            #expect(try await control.client.decide(.dismiss, pending[0].id).state == "dismissed")
            #expect(try await control.client.decide(.approve, pending[1].id).state == "active")
            #expect(await Self.planned(control) { $0.revokedIdentities == [mallory] })
            let stopped = try await control.client.stopResponses()
            #expect(stopped.stopped && stopped.active.isEmpty)
            #expect(await Self.planned(control) { $0.revokedIdentities.isEmpty })
            #expect(try await !control.client.resumeResponses().stopped)
            let kinds = try await control.client.events().events.map(\.kind)
            for kind in ["proposed", "dismissed", "approved", "performed", "stopped", "undone", "resumed"] {
                #expect(kinds.contains("response.\(kind)"))
            }
        }
    }

    @Test func `a quarantine outlives the manager, and sealed state asks for the passphrase`() async throws {
        let sealed = try SealedFolder()
        var options = try Self.options()
        options.sealed = try sealed.open()
        try await ControlFixture.run(options) { control in
            let mallory = try await Self.mallory(control)
            await Self.press(control, .identity(mallory), 6)
            let list = try await control.client.responses()
            await expect(code: .passphraseNeeded, name: "operator.passphrase_needed") {
                _ = try await control.client.decide(.undo, list.active[0].id)
            }
            await expect(code: .passphraseNeeded, name: "operator.passphrase_needed") {
                _ = try await control.client.decide(.approve, list.pending[0].id)
            }
            // As it is on the disk now, in the middle of it.
            let kept = try #require(try sealed.open().state.responses)
            #expect(try ResponseJournal(decoding: kept).active.count == 3)
        }
        options.sealed = try sealed.open()
        try await ControlFixture.run(options) { control in
            #expect(
                await Self.planned(control) { $0.revokedIdentities.count == 1 && $0.throttledIdentities.count == 1 })
            let list = try await control.client.responses()
            #expect(list.active.map(\.rung) == ["raise-decoys", "throttle", "quarantine"])
            let quarantine = list.active[2].id
            let secret = try SealedFolder.secret(SealedFolder.passphrase)
            _ = try await control.client.decide(.undo, quarantine, passphrase: secret)
            #expect(await Self.planned(control) { $0.revokedIdentities.isEmpty })
        }
    }

    @Test func `each step of a response, by whom, and each finding is in the audit trail of the sealed state`()
        async throws
    {
        let sealed = try SealedFolder()
        var options = try Self.options()
        options.sealed = try sealed.open()
        try await ControlFixture.run(options) { control in
            let mallory = try await Self.mallory(control)
            await Self.press(control, .identity(mallory), 6)
            let secret = try SealedFolder.secret(SealedFolder.passphrase)
            let list = try await control.client.responses()
            _ = try await control.client.decide(.undo, try #require(list.active.last).id, passphrase: secret)
            _ = try await control.client.decide(.approve, try #require(list.pending.first).id, passphrase: secret)
            let finding = Finding(
                id: "0123456789ab", code: "a.b", time: Samples.now, subject: .host, risk: 90, title: "t")
            control.assembly.parts.recorder.record(
                finding.event(Event.Kind.findingRaised, at: Samples.now, threshold: 70))
        }
        let lines = try sealed.open().state.audit.entries.map(\.text)
        for kind in ["proposed", "approved", "performed", "undone"] {
            #expect(lines.contains { $0.contains("response.\(kind) ") && $0.contains("id=r") }, "\(kind)")
        }
        for kind in ["approved", "undone"] {
            #expect(lines.contains { $0.contains("response.\(kind) ") && $0.contains("uid=\(geteuid())") }, "\(kind)")
        }
        #expect(lines.contains { $0.contains("finding.raised") && $0.contains("id=0123456789ab") })
    }

    @Test func `a program in quarantine gets no identity, and those that it has are cut off`() async throws {
        let book = ConnectorBook()
        let identity = try found(SPIFFEID("spiffe://d/client/x/uid-1001.0"))
        let other = try found(SPIFFEID("spiffe://d/client/x/uid-1002.0"))
        book.note(identity, ConnectorBook.Holder(uid: 1_001, executable: "/usr/bin/nmap"))
        book.note(other, ConnectorBook.Holder(uid: 1_002, executable: "/usr/bin/nmap"))
        let barrier = ResponseBarrier()
        barrier.set(
            quarantined: [.program(uid: 1_001, executable: nil)], throttled: [.program(uid: 1_002, executable: "/x")])
        #expect(barrier.cutOff(book) == CutOff(quarantined: [identity.description]))
        #expect(barrier.isQuarantined(uid: 1_001, executable: "/bin/anything"))
        #expect(!barrier.isQuarantined(uid: 1_002, executable: "/usr/bin/nmap"))
    }

    @Test func `an alarm raises decoys, never lowers them, and leaves a policy that wants none alone`() {
        #expect(ManagerEffects.raisedDecoys(from: 31) == 124)
        #expect(ManagerEffects.raisedDecoys(from: 2) == 64)
        #expect(ManagerEffects.raisedDecoys(from: 0) == 0)
        for usual in UInt16(1)...250 { #expect(ManagerEffects.raisedDecoys(from: usual) > Int(usual)) }
    }

    @Test func `an application is asked to end, and the manager's own processes never are`() async throws {
        let book = ConnectorBook()
        let clock = HeldClock()
        let recorder = Samples.recorder(clock)
        let applications = FakeApplications(
            known: ApplicationView(processes: [
                Samples.process(2_000_000_001, "miner"), Samples.process(2_000_000_002, "dtm"),
            ]))
        let registry = TunnelRegistry(
            defaults: TunnelDefaults(), trust: Samples.trust, anchor: .current(), clock: clock,
            outbox: DataPlaneOutbox { _ in }, recorder: recorder, connectors: book)
        let effects = ManagerEffects(
            registry: registry,
            certificates: try CertificateService(policy: .defaults, clock: clock, recorder: recorder),
            applications: applications, decoys: registry,
            own: { OwnParts(processes: [2_000_000_002], endpoints: [], socketPaths: []) }, publishTrust: {})
        let none = ProtectedSubjects()
        #expect(try await effects.stop(.application("miner"), sparing: none).map(\.pid) == [2_000_000_001])
        for (subject, code) in [
            (ResponseSubject.application("dtm"), ManagerError.Code.responseProtected),
            (.application("gone"), .subjectUnknown), (.program(uid: 1_000, executable: nil), .subjectUnknown),
        ] {
            await #expect(throws: ManagerError(code, "")) { try await effects.stop(subject, sparing: none) }
        }
        await #expect(throws: ManagerError(.responseProtected, "")) {
            try await effects.stop(.application("miner"), sparing: ProtectedSubjects(uids: [1_000]))
        }
        #expect(await effects.applicationCount() == 0)
    }
}
