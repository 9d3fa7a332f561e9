import DTMAPI
import DTMAnalysis
import DTMConfiguration
import DTMCore
import DTMState
import FoundationEssentials
import Testing

@testable import DTMManager

/// With a real store in a temporary folder, and the rest of control around it.
@Suite struct StateKeeperTests {
    private func run(
        _ sealed: SealedFolder, _ body: @escaping @Sendable (ControlFixture, StateKeeper) async throws -> Void
    ) async throws {
        var options = try ControlFixture.redis()
        options.sealed = try sealed.open()
        try await ControlFixture.run(options) { control in
            try await body(control, try #require(control.assembly.parts.state))
        }
    }

    @Test func `A change is on the disk when it is answered, and what did not change is not saved`() async throws {
        let sealed = try SealedFolder()
        try await run(sealed) { control, keeper in
            try await keeper.save()
            let before = await keeper.report.generation
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let after = await keeper.report.generation
            #expect(after > before)
            let kept = try sealed.open().state
            #expect(kept.tunnels.map(\.configuration.name.text) == ["redis"])
            #expect(kept.audit.entries.contains { $0.text.contains("tunnel.added") })
            let identity = try await control.client.tunnels().tunnels.first?.identity
            let id = try #require(kept.tunnels.first).id.description
            #expect(identity?.hasSuffix(id) == true)
            // The event of the save itself is less than a notice, or the next save would be due for it.
            try await keeper.save()
            let settled = await keeper.report.generation
            for _ in 0..<3 { try await keeper.save() }
            let last = await keeper.report.generation
            #expect(last == settled)
            #expect(await keeper.check() == nil)
        }
        let sealedAgain = try sealed.open()
        #expect(sealedAgain.state.tunnels.count == 1 && sealedAgain.state.authorities != nil)
    }

    @Test func `Saves that come together are one after another, and all find their change saved`() async throws {
        let sealed = try SealedFolder()
        try await run(sealed) { control, keeper in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for number in 0..<8 {
                    tasks.addTask {
                        await keeper.accept("{\"rotation\":{\"intervalSeconds\":\(20 + number)}}")
                        try await keeper.save()
                    }
                }
                try await tasks.waitForAll()
            }
            let accepted = await keeper.acceptedConfiguration
            #expect(try sealed.open().state.acceptedConfiguration == accepted)
            #expect(await keeper.check() == nil)
        }
    }

    @Test func `What can't be saved is said to who changed it, told once, and saved when that is possible again`()
        async throws
    {
        let sealed = try SealedFolder()
        let (state, away) = (sealed.place.state, "\(sealed.place.home)/away")
        try await run(sealed) { control, keeper in
            try FileManager.default.moveItem(atPath: state, toPath: away)
            await expect(code: .failed, name: "state.unsaved") {
                _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            }
            await #expect(throws: ManagerError(.stateUnsaved, "")) { try await keeper.save() }
            #expect(await keeper.report.failure?.contains("moved away") == true)
            #expect(await keeper.check()?.code == .modified)
            #expect(try await control.client.tunnels().tunnels.count == 1)
            var events = try await control.client.events().events.map(\.kind)
            #expect(events.count { $0 == "state.save_failed" } == 1)
            try FileManager.default.moveItem(atPath: away, toPath: state)
            try await keeper.save()
            #expect(await keeper.report.failure == nil)
            events = try await control.client.events().events.map(\.kind)
            #expect(events.contains("state.saved"))
            #expect(try sealed.open().state.tunnels.count == 1)
        }
    }

    private func sighting(_ control: ControlFixture, _ code: String = "a.b") -> Sighting {
        Sighting(
            code: code, time: control.assembly.setting.clock.now(), subject: .application("x"), risk: 80, title: "t")
    }

    @Test func `What was found outlives the manager with its count, and what was dismissed stays hidden`() async throws
    {
        let sealed = try SealedFolder()
        try await run(sealed) { control, _ in
            let findings = control.assembly.parts.findings
            for _ in 0..<3 { _ = findings.take(sighting(control)) }
            _ = findings.take(sighting(control, "c.d"))
            let other = findings.findings(at: control.assembly.setting.clock.now()).first { $0.code == "c.d" }
            _ = try await control.client.dismissFinding(try #require(other).id)
        }
        try await run(sealed) { control, _ in
            let list = try await control.client.findings().findings
            #expect(list.map(\.code) == ["a.b"] && list.first?.count == 3)
            #expect(control.assembly.parts.findings.take(sighting(control, "c.d")) == .hidden)
        }
    }

    @Test func `The same found again is saved within half a minute, and not each time`() async throws {
        let sealed = try SealedFolder()
        let clock = HeldClock()
        var options = try ControlFixture.redis()
        options.sealed = try sealed.open()
        options.clock = clock
        try await ControlFixture.run(options) { control in
            let keeper = try #require(control.assembly.parts.state)
            let findings = control.assembly.parts.findings
            _ = findings.take(sighting(control))
            clock.advance(StateKeeper.findingsPause)
            try await keeper.save()
            let before = await keeper.report.generation
            for _ in 0..<5 {
                _ = findings.take(sighting(control))
                try await keeper.save()
            }
            #expect(await keeper.report.generation == before)
            clock.advance(StateKeeper.findingsPause)
            try await keeper.save()
            #expect(await keeper.report.generation == before + 1)
            let kept = try #require(try sealed.open().state.findings)
            let book = try FindingBook(snapshot: kept.book, at: clock.now())
            #expect(book.findings.map(\.count) == [6])
        }
    }

    @Test func `Findings that can't be read are told, and begun anew`() async throws {
        let sealed = try SealedFolder()
        var options = try ControlFixture.redis()
        var opened = try sealed.open()
        opened.state.findings = FindingDesk.Memory(book: [1, 2, 3], learnt: [4, 5, 6])
        options.sealed = opened
        try await ControlFixture.run(options) { control in
            #expect(try await control.client.findings().findings.isEmpty)
            let told = try await control.client.events().events.filter { $0.kind == "findings.unreadable" }
            #expect(told.count == 2 && told.allSatisfy { $0.severity == .error })
        }
    }

    @Test func `What was found never keeps the rest from being saved`() throws {
        var state = ManagerState()
        state.findings = FindingDesk.Memory(
            book: [UInt8](repeating: 0, count: FindingBook.snapshotLimit),
            learnt: [UInt8](repeating: 0, count: KnownWorld.snapshotLimit))
        #expect(try state.content().bytes("findings.book") != nil)
        state.responses = [UInt8](repeating: 0, count: StateContent.maximumBytes - (500 << 10))
        let content = try state.content()
        #expect(content.bytes("findings.book") == nil && content.encodedCount <= StateContent.maximumBytes)
    }

    @Test func `Without a backup key none is made, and asking for one says so`() async throws {
        let sealed = try SealedFolder()
        try await run(sealed) { control, keeper in
            #expect(await !keeper.report.hasBackupKey)
            await #expect(throws: ManagerError(.requestInvalid, "")) {
                _ = try await keeper.backUpNow(Configuration.defaults.backup)
            }
            await keeper.backUpIfDue(Configuration.defaults.backup)
            let backups = try FileManager.default.contentsOfDirectory(atPath: sealed.place.backups)
            #expect(backups.isEmpty)
        }
    }
}
