import DTMAPI
import DTMCore
import DTMDoctor
import DTMPlan
import DTMSecrets
import DTMTelemetry
import FoundationEssentials
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import DTMManager

@Suite struct ProtectionLedgerTests {
    @Test func `what does not hold is news once, and again when it holds`() {
        var ledger = ProtectionLedger()
        #expect(ledger.take([], of: .control) == nil)
        #expect(ledger.take(["a", "b"], of: .control) == .lost(.control, ["a", "b"]))
        #expect(ledger.take(["b", "a"], of: .control) == nil)
        #expect(ledger.take([], of: .dataPlane) == nil)
        #expect(ledger.problems == ["control: b", "control: a"])
        #expect(ledger.take(["a"], of: .control) == .lost(.control, ["a"]))
        #expect(ledger.take([], of: .control) == .restored(.control))
        #expect(ledger.problems.isEmpty)
    }

    @Test func `a changed program is a problem, one that was replaced on disk is not`() {
        var ledger = ProtectionLedger()
        #expect(ledger.take(.same) == nil)
        #expect(ledger.take(.replaced("x")) == .executable(.replaced("x")))
        #expect(ledger.take(.replaced("x")) == nil)
        #expect(ledger.problems.isEmpty)
        #expect(ledger.take(.changed("y")) == .executable(.changed("y")))
        #expect(ledger.problems.count == 1)
        #expect(ledger.take(.same) == .executable(.same))
        #expect(ledger.problems.isEmpty)
    }

    @Test func `a data plane that has fallen silent is not well, and its end ends that`() throws {
        let recorder = Samples.recorder()
        let desk = ProtectionDesk(recorder: recorder)
        desk.checkSilence(.zero)
        #expect(desk.problems.isEmpty, "there is none")
        desk.dataPlaneStarted()
        desk.checkSilence(.seconds(60))
        #expect(desk.problems.isEmpty)
        desk.checkSilence(.seconds(-1))
        desk.checkSilence(.seconds(-1))
        #expect(desk.problems.count == 1)
        desk.dataPlaneEnded()
        #expect(desk.problems.isEmpty)
        let kinds = recorder.journal.events(after: 0).entries.map(\.event.kind)
        #expect(kinds == [Event.Kind.protectionLost, Event.Kind.protectionRestored])
    }
}

@Suite struct ExecutableWatchTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ name: String, _ text: String) throws -> String {
        let path = "\(folder.path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test func `what stands at the path is compared by its content`() throws {
        let running = try write("running", "program")
        let path = try write("disk", "program")
        var watch = try ExecutableWatch(running: running, path: path)
        #expect(watch.look() == .same)
        try FileManager.default.removeItem(atPath: path)
        guard case .replaced(let gone) = watch.look() else { return #expect(Bool(false), "it is gone") }
        #expect(gone.contains(path))
        _ = try write("disk", "another")
        guard case .replaced(let other) = watch.look() else { return #expect(Bool(false), "it is another") }
        #expect(other.contains("another program"))
        _ = try write("disk", "program")
        #expect(watch.look() == .same)
    }

    @Test func `what runs is compared with what it was`() throws {
        let running = try write("running", "program")
        var watch = try ExecutableWatch(running: running, path: running)
        #expect(watch.look() == .same)
        _ = try write("running", "altered")
        guard case .changed = watch.look() else { return #expect(Bool(false), "it was altered") }
        _ = try write("running", "program")
        #expect(watch.look() == .same)
    }

    @Test func `this very program is the one at its path`() throws {
        var watch = try ExecutableWatch()
        #expect(watch.look() == .same)
        #expect(watch.look() == .same)
    }
}

@Suite struct MemoryPolicyTests {
    @Test func `a data plane with less than is required is told nothing, and ends the manager`() async throws {
        for memory in [MemoryReport(backing: .locked, refusalCode: 38), MemoryReport(backing: nil, refusalCode: 1)] {
            let folder = try TemporaryFolder()
            let threads = NIOThreadPool(numberOfThreads: 1)
            var options = ControlFixture.Options()
            options.memory.policy = memory.backing == nil ? .prefer : .require
            let setting = try ControlFixture.setting(folder, FakeSource("{}"), options, FakeApplications(), threads)
            let assembly = try ControlAssembly(setting)
            let (plane, link) = try ControlFixture.fakeDataPlane(memory: memory)
            let supervisor = assembly.parts.supervisor
            supervisor.adopt(link)
            let error = await #expect(throws: SecretsError.self) { try await supervisor.run() }
            #expect(error?.code == (memory.backing == nil ? .lockRefused : .protectionMissing))
            #expect(error?.message.contains("the data plane") == true && error?.hint != nil)
            #expect(plane.read { $0.plans.isEmpty && $0.keys.isEmpty })
            #expect(supervisor.status.pid == nil)
        }
    }

    @Test func `with less than there could be it serves, and says so`() async throws {
        var options = try ControlFixture.redis()
        options.planeMemory = MemoryReport(backing: .locked, refusalCode: 38)
        options.memory.control = MemoryReport(backing: .locked, refusalCode: 38)
        try await ControlFixture.run(options) { control in
            let report = try #require(try await control.client.status().memory.protection)
            #expect(report.policy == "prefer" && report.control == "locked" && report.dataPlane == "locked")
            #expect(report.reason?.contains("memfd_secret") == true && report.lapses.isEmpty)
            let events = control.assembly.parts.recorder.journal.events(after: 0).entries.map(\.event)
            let told = events.filter { $0.kind == "memory.protection.reduced" }
            #expect(told.map { $0.detail["process"] } == ["control", "dataplane"])
            #expect(told.allSatisfy { $0.severity == .warning && $0.detail["backing"] == "locked" })
        }
    }

    @Test func `the doctor counts with what a process takes`() {
        #expect(LimitChecks.lockedBytesWanted == UInt64(MemoryProtection.wantedBytes))
        #expect(LimitChecks.lockedBytesLeast == UInt64(MemoryProtection.leastBytes))
    }
}

@Suite struct RuntimeVerificationTests {
    private func kinds(_ control: ControlFixture) -> [String] {
        control.assembly.parts.recorder.journal.events(after: 0).entries.map(\.event.kind)
    }

    private func expectEventually(
        _ what: Comment, _ body: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if try await body() { return }
            await Task.yield()
        }
        Issue.record(what, sourceLocation: sourceLocation)
    }

    @Test func `what the data plane finds about itself is told, and shown`() async throws {
        try await ControlFixture.run { control in
            try control.plane.report(.verified(["it may be dumped"]))
            try control.plane.report(.verified(["it may be dumped"]))
            try await expectEventually("no lapse is shown") {
                try await control.client.status().memory.protection?.lapses == ["the data plane: it may be dumped"]
            }
            #expect(try await control.client.status().degraded.contains { $0.contains("it may be dumped") })
            let doctor = try await control.client.doctor().checks.first { $0.code == "doctor.protections" }
            #expect(doctor?.status == "failed" && doctor?.severity == "error")
            try control.plane.report(.verified([]))
            try await expectEventually("it stays degraded") {
                try await control.client.status().memory.protection?.lapses == []
            }
            let told = kinds(control).filter { $0.hasPrefix("process.protection") }
            #expect(told == [Event.Kind.protectionLost, Event.Kind.protectionRestored])
        }
    }

    @Test func `control looks at itself at the start, and when the interval changes`() async throws {
        let folder = try TemporaryFolder()
        let program = "\(folder.path)/program"
        try Data("program".utf8).write(to: URL(fileURLWithPath: program))
        let lapses = LapseBox()
        var options = ControlFixture.Options()
        options.checks = RuntimeChecks(
            lapses: { lapses.value }, executable: try ExecutableWatch(running: program, path: program))
        try await ControlFixture.run(options) { control in
            lapses.value = ["a core file may be left"]
            control.source.write(#"{"verification": {"intervalSeconds": 30}}"#)
            _ = try await control.client.reloadConfiguration()
            try await expectEventually("no event") { kinds(control).contains(Event.Kind.protectionLost) }
            try await expectEventually("the data plane is not told") {
                control.plane.read { $0.plans.last?.verificationMilliseconds == 30_000 }
            }
            lapses.value = []
            control.source.write(#"{"verification": {"intervalSeconds": 31}}"#)
            _ = try await control.client.reloadConfiguration()
            try await expectEventually("no event") { kinds(control).contains(Event.Kind.protectionRestored) }
        }
    }
}

private final class LapseBox: Sendable {
    private let held = Mutex<[String]>([])
    var value: [String] {
        get { held.withLock { $0 } }
        set { held.withLock { $0 = newValue } }
    }
}

@Suite struct AnswerWipeTests {
    @Test func `a buffer is overwritten where it is, also while others hold it`() {
        let buffer = ByteBuffer(bytes: [UInt8](repeating: 7, count: 80))
        let shared = buffer
        AnswerWipe.wipe(buffer)
        #expect(Array(shared.readableBytesView) == [UInt8](repeating: 0, count: 80))
    }
}
