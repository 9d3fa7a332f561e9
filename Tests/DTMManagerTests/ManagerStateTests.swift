import DTMCertificates
import DTMConfiguration
import DTMCore
import DTMSecrets
import DTMState
import Testing

@testable import DTMManager

@Suite struct ManagerStateTests {
    private func tunnel(_ name: String, port: UInt16) throws -> ManagerState.Tunnel {
        var configuration = TunnelConfiguration(
            name: try #require(TunnelName(name)), target: .tcp(host: "127.0.0.1", port: port))
        configuration.allow = ["uid:1000"]
        configuration.portRange = 7_000...7_100
        configuration.intervalSeconds = 5
        return ManagerState.Tunnel(
            id: .random(), configuration: configuration, origin: .api, ownerUID: 1_000, application: "redis",
            generation: 7, keyGeneration: 3, root: SharedSecret(try SecretBytes(randomCount: 32)))
    }

    private func equal(_ left: SharedSecret, _ right: SharedSecret) -> Bool { left.bytes.isEqual(to: right.bytes) }

    @Test func `what is kept comes back as it was`() throws {
        let now = Timestamp(seconds: 1_800_000_000)
        var authorities = try AuthoritySet(trustDomain: "kept", now: now)
        _ = try authorities.replace(.orderly, now: now)
        var revocations = RevocationList()
        try revocations.revoke(try #require(SerialNumber("0a0b0c")), notAfter: now, now: now)
        try revocations.revoke(
            try #require(SPIFFEID(trustDomain: "kept", segments: ["client", "x"])), now: now)
        var state = ManagerState()
        state.tunnels = [try tunnel("one", port: 6_379), try tunnel("two", port: 6_380)]
        state.authorities = authorities.record()
        state.revocations = revocations.record
        state.acceptedConfiguration = "{}"
        state.backupKey = [1, 2, 3]
        state.audit.append("notice manager.started", at: now)
        let read = try ManagerState(try state.content())
        #expect(read.tunnels.map(\.id) == state.tunnels.map(\.id))
        #expect(read.tunnels.map(\.configuration) == state.tunnels.map(\.configuration))
        #expect(read.tunnels.map(\.generation) == [7, 7])
        #expect(read.tunnels.map(\.keyGeneration) == [3, 3])
        #expect(zip(read.tunnels, state.tunnels).allSatisfy { equal($0.root, $1.root) })
        #expect(read.revocations == state.revocations)
        #expect(read.acceptedConfiguration == "{}")
        #expect(read.backupKey == [1, 2, 3])
        #expect(read.audit == state.audit)
        let restored = try AuthoritySet(restoring: try #require(read.authorities), policy: .defaults)
        #expect(restored.trustBundle == authorities.trustBundle)
        #expect(restored.issuing.serial == authorities.issuing.serial)
        #expect(restored.successor?.issuesFrom == authorities.successor?.issuesFrom)
    }

    @Test func `each change of what is kept shows in its mark, and reading it again does not`() throws {
        let now = Timestamp(seconds: 1_800_000_000)
        var authorities = try AuthoritySet(trustDomain: "kept", now: now)
        var revocations = RevocationList()
        var state = ManagerState()
        var seen = [state.mark]
        func expectAnother() {
            #expect(!seen.contains(state.mark))
            seen.append(state.mark)
            #expect((try? ManagerState(state.content()))?.mark == state.mark)
        }
        state.tunnels = [try tunnel("one", port: 6_379)]
        expectAnother()
        state.tunnels[0].keyGeneration += 1
        expectAnother()
        state.tunnels[0].generation += 1
        expectAnother()
        state.tunnels[0].configuration.allow = ["uid:1001"]
        expectAnother()
        state.authorities = authorities.record()
        expectAnother()
        _ = try authorities.replace(.orderly, now: now)
        state.authorities = authorities.record()
        expectAnother()
        _ = try authorities.replace(.immediate, now: now)
        state.authorities = authorities.record()
        expectAnother()
        try revocations.revoke(try #require(SPIFFEID(trustDomain: "kept", segments: ["client", "x"])), now: now)
        state.revocations = revocations.record
        expectAnother()
        state.acceptedConfiguration = "{}"
        expectAnother()
        state.backupKey = [1]
        expectAnother()
        state.audit.append("notice manager.started", at: now)
        expectAnother()
    }

    @Test func `what a later version wrote is kept, and what is gone is not`() throws {
        var content = StateContent()
        content.set("baselines", .bytes([9]))
        content.set(
            "tunnel.root/00000000000000000000000000000001", .secret(SharedSecret(try SecretBytes(randomCount: 32))))
        let state = try ManagerState(content)
        let again = try state.content()
        #expect(again.bytes("baselines") == [9])
        #expect(!again.sections.keys.contains { $0.hasPrefix("tunnel.root/") })
    }

    @Test func `a tunnel without its root is an error, not a tunnel with another one`() throws {
        var state = ManagerState()
        state.tunnels = [try tunnel("one", port: 6_379)]
        var content = try state.content()
        for name in content.sections.keys where name.hasPrefix("tunnel.root/") { content.set(name, nil) }
        #expect(throws: ManagerError(.stateUnusable, "")) { try ManagerState(content) }
    }

    @Test func `a key that is not the certificate's is no authority`() throws {
        let now = Timestamp(seconds: 1_800_000_000)
        var record = try AuthoritySet(trustDomain: "kept", now: now).record()
        record.issuing.key = try AuthoritySet(trustDomain: "kept", now: now).record().issuing.key
        #expect(throws: CertificatesError.self) { try AuthoritySet(restoring: record, policy: .defaults) }
    }

    @Test func `a tunnel comes back with its identity and its schedule, and the configuration takes it over`() throws {
        let kept = try tunnel("one", port: 6_379)
        var table = TunnelTable()
        try table.restore(kept)
        let record = try #require(table[kept.id])
        #expect(record.generation == 7 && record.keyGeneration == 3)
        #expect(equal(record.root, kept.root))
        #expect(table.kept.map(\.id) == [kept.id])
        let draft = TunnelDraft(configuration: kept.configuration, origin: .configuration)
        let change = try table.applying([draft], defaults: TunnelDefaults()) { () throws(ManagerError) in
            try TunnelRegistry.freshRoot()
        }
        #expect(change.table[kept.id]?.draft.origin == .configuration)
        #expect(change.table[kept.id].map { equal($0.root, kept.root) } == true)
    }
}

@Suite struct BackupScheduleTests {
    private let settings = BackupSettings()
    private let start = Timestamp(seconds: 1_800_000_000)

    @Test func `backups are made on change, not too often, and daily`() {
        var schedule = BackupSchedule()
        #expect(schedule.isDue(at: start, settings))
        schedule.done(at: start)
        #expect(!schedule.isDue(at: start + .seconds(7_200), settings))
        schedule.changed()
        #expect(!schedule.isDue(at: start + .seconds(3_599), settings))
        #expect(schedule.isDue(at: start + .seconds(3_600), settings))
        schedule.done(at: start + .seconds(3_600))
        #expect(!schedule.isDue(at: start + .seconds(80_000), settings))
        #expect(schedule.isDue(at: start + .seconds(3_600 + 86_400), settings))
    }

    @Test func `a failure is tried again after a while, and told once a day`() {
        var schedule = BackupSchedule()
        var told = 0
        for turn in 0..<288 where schedule.failed(at: start + .seconds(Int64(turn) * 300)) { told += 1 }
        #expect(told == 1)
        #expect(!schedule.isDue(at: start + .seconds(287 * 300 + 299), settings))
        #expect(schedule.isDue(at: start + .seconds(288 * 300), settings))
    }

    @Test func `a configuration that protects less than the accepted one is told`() throws {
        var weaker = Configuration.defaults
        weaker.rotation.intervalSeconds = 600
        let accepted = Configuration.defaults.renderJSON(masked: false)
        #expect(ConfigurationAcceptance.weakenings(from: accepted, to: .defaults).isEmpty)
        #expect(ConfigurationAcceptance.weakenings(from: nil, to: weaker).isEmpty)
        let told = ConfigurationAcceptance.weakenings(from: accepted, to: weaker)
        #expect(told.contains { $0.contains("rotation.intervalSeconds") })
    }
}
