import DTMAPI
import DTMCertificates
import DTMConfiguration
import DTMCore
import DTMPolicy
import DTMTelemetry
import Glibc
import NIOPosix
import Testing

@testable import DTMManager

@Suite struct AdmissionTests {
    private let clock = HeldClock()

    private func parts(_ draft: TunnelDraft) async throws -> (Admission, TunnelRegistry, EventRecorder) {
        let recorder = Samples.recorder(clock)
        let certificates = try CertificateService(policy: .defaults, clock: clock, recorder: recorder)
        let registry = TunnelRegistry(
            defaults: TunnelDefaults(), trust: certificates.initialSnapshot, anchor: ClockAnchor(offsetNanoseconds: 0),
            clock: clock, outbox: DataPlaneOutbox(), recorder: recorder)
        _ = try await registry.add(draft, destination: nil)
        let admission = Admission(
            registry: registry, certificates: certificates, applications: FakeApplications(),
            programs: FakePrograms(), recorder: recorder,
            managerUID: 500, controlPID: 77)
        return (admission, registry, recorder)
    }

    private func request(_ connector: String = "0123456789abcdef") throws -> IdentityRequest {
        IdentityRequest(certificateRequest: Base64.encode(try LeafKey().certificateRequest()), connector: connector)
    }

    @Test func `the application's owner gets in and others do not, and both are told with the reason`() async throws {
        var draft = try Samples.draft("redis")
        draft.ownerUID = 1_000
        let (admission, _, recorder) = try await parts(draft)
        let answer = try await admission.identity(of: Samples.caller(1_000), for: "redis", try request())
        #expect(answer.reason.contains("owns the application"))
        await #expect(throws: ManagerError(.connectDenied, "")) {
            try await admission.identity(of: Samples.caller(1_001), for: "redis", try request())
        }
        let events = recorder.journal.events(after: 0).entries.map(\.event)
        #expect(events.last?.kind == Event.Kind.connectDenied)
        #expect(events.last?.detail["uid"] == .integer(1_001))
        #expect(events.contains { $0.kind == Event.Kind.connectGranted && $0.identity == answer.identity })
    }

    @Test func `whoever is in quarantine gets no identity, not even another one, and others of his may renew theirs`()
        async throws
    {
        let (admission, registry, _) = try await parts(try Samples.draft("redis") { $0.allow = ["any-local"] })
        func ask(_ uid: UInt32, _ connector: String) async throws -> String {
            try await admission.identity(of: Samples.caller(uid), for: "redis", try request(connector)).identity
        }
        let (first, second) = ("0123456789abcdef", "1111111111111111")
        let bad = try await ask(1_001, first)
        let good = try await ask(1_001, second)
        registry.barrier.set(quarantined: [.identity(bad)], throttled: [])
        await #expect(throws: ManagerError(.connectDenied, "")) { try await ask(1_001, first) }
        await #expect(throws: ManagerError(.connectDenied, "")) { try await ask(1_001, "2222222222222222") }
        #expect(try await ask(1_001, second) == good)
        _ = try await ask(100, first)
        registry.barrier.set(quarantined: [.program(uid: 100, executable: nil)], throttled: [])
        await #expect(throws: ManagerError(.connectDenied, "")) { try await ask(100, first) }
        #expect(try await ask(1_001, first) == bad)
    }

    @Test func `rules take the place of the default`() async throws {
        let (admission, registry, _) = try await parts(try Samples.draft("redis") { $0.allow = ["uid:7"] })
        let record = try await registry.record(named: "redis")
        #expect(admission.admits(Samples.caller(7), to: record))
        #expect(!admission.admits(Samples.caller(0), to: record))
    }

    @Test func `a rule about the program needs a hosted connector, and the refusal and its event say so`() async throws
    {
        let rule = "uid:7+exe:/usr/bin/redis-cli"
        let (admission, registry, recorder) = try await parts(try Samples.draft("redis") { $0.allow = [rule] })
        let error = await #expect(throws: ManagerError.self) {
            try await admission.identity(of: Samples.caller(7), for: "redis", try request())
        }
        #expect(error?.code == .connectDenied)
        #expect(error?.message.contains("dtm connect NAME --hosted is needed, and --stdio can't be hosted") == true)
        #expect(error?.hint?.hasPrefix("dtm connect redis --hosted") == true)
        #expect(!admission.admits(Samples.caller(7), to: try await registry.record(named: "redis")))
        let last = recorder.journal.events(after: 0).entries.last?.event
        #expect(last?.kind == Event.Kind.connectDenied)
        guard case .string(let reason) = last?.detail["reason"] else {
            Issue.record("the event holds no reason")
            return
        }
        #expect(reason.contains(rule))
    }

    @Test func `the owner is looked up once and then stays, whoever takes the port over`() async throws {
        let (admission, registry, _) = try await parts(try Samples.draft("redis"))
        _ = await admission.decide(Samples.caller(1), on: try await registry.record(named: "redis"))
        let owner = try await registry.record(named: "redis").draft.ownerUID
        #expect(owner == geteuid())
        await registry.ownerFound(try await registry.record(named: "redis").id, uid: 9_999, application: nil)
        let later = try await registry.record(named: "redis").draft.ownerUID
        #expect(later == geteuid())
    }

    @Test(arguments: ["", "0123456789ABCDEF", "0123", "0123456789abcdeg", "../../../../etc/x"])
    func `a connector's name is 16 hexadecimal digits`(_ connector: String) async throws {
        var draft = try Samples.draft("redis")
        draft.ownerUID = 1_000
        let (admission, _, _) = try await parts(draft)
        await #expect(throws: ManagerError(.requestInvalid, "")) {
            try await admission.identity(of: Samples.caller(1_000), for: "redis", try request(connector))
        }
    }

    @Test func `a request that is no base64 is refused`() async throws {
        var draft = try Samples.draft("redis")
        draft.ownerUID = 1_000
        let (admission, _, _) = try await parts(draft)
        let broken = IdentityRequest(certificateRequest: "%%%", connector: "0123456789abcdef")
        await #expect(throws: ManagerError(.certificateRequestInvalid, "")) {
            try await admission.identity(of: Samples.caller(1_000), for: "redis", broken)
        }
    }
}

@Suite struct CallerDirectoryTests {
    private final class CountingAccounts: AccountDirectory {
        let lookups = LockedTime(Timestamp(nanoseconds: 0))
        func userName(_ uid: UInt32) -> String? {
            lookups.value = lookups.value + .nanoseconds(1)
            return "user\(uid)"
        }
        func groupName(_ gid: UInt32) -> String? { "group\(gid)" }
        func uid(named name: String) -> UInt32? { nil }
        func gid(named name: String) -> UInt32? { nil }
        func groups(ofUser name: String, primary: UInt32) -> [UInt32] { [primary] }
    }

    @Test func `names are remembered for a while, the pid is not`() {
        let accounts = CountingAccounts()
        let clock = HeldClock()
        let directory = CallerDirectory(accounts: accounts, clock: clock)
        let first = directory.caller(PeerCredentials(pid: 1, uid: 5, gid: 6, groups: [7]))
        #expect(first.groupNames == ["group6", "group7"])
        let second = directory.caller(PeerCredentials(pid: 2, uid: 5, gid: 6, groups: [7]))
        #expect(second.pid == 2)
        #expect(accounts.lookups.value.nanoseconds == 1)
        clock.advance(.seconds(31))
        _ = directory.caller(PeerCredentials(pid: 3, uid: 5, gid: 6, groups: [7]))
        #expect(accounts.lookups.value.nanoseconds == 2)
    }
}

@Suite struct EventFilterTests {
    @Test func `who may not steer sees the events of his tunnels alone`() {
        let filter = EventFilter(tunnels: ["mine"])
        let mine = Event(time: Samples.now, kind: "tunnel.rotated", severity: .info, tunnel: "mine")
        let other = Event(time: Samples.now, kind: "tunnel.rotated", severity: .info, tunnel: "other")
        let manager = Event(time: Samples.now, kind: "manager.started", severity: .notice)
        #expect(filter.contains(mine))
        #expect(!filter.contains(other))
        #expect(!filter.contains(manager))
        #expect(EventFilter(tunnels: nil).contains(manager))
    }
}
