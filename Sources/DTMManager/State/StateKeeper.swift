import DTMCertificates
import DTMConfiguration
import DTMCore
import DTMModels
import DTMState
import DTMTelemetry
import NIOPosix
import Synchronization

/// Keeps the sealed state true: saves what changed, makes backups, and says when it can't.
///
/// A manager without sealed state has none of these.
actor StateKeeper {
    private let store: SealedStore
    private let openPGP: any OpenPGPProvider
    private let registry: TunnelRegistry
    private let certificates: CertificateService
    private let findings: FindingDesk
    private let recorder: EventRecorder
    private let clock: any TimeSource
    private let threads: NIOThreadPool
    private var state: ManagerState
    /// Of what was saved last.
    private var saved: ManagerState.Mark?
    private var lastFailure: StateError?
    private var backups: BackupSchedule
    private var auditCursor: UInt64 = 0
    private var findingsTakenAt: Timestamp?
    private var isSaving = false

    /// What was found again alone is saved so often at most: with the timer of ten seconds, within thirty.
    static let findingsPause = Duration.seconds(20)
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(
        store: SealedStore, state: ManagerState, openPGP: any OpenPGPProvider, registry: TunnelRegistry,
        certificates: CertificateService, findings: FindingDesk, recorder: EventRecorder, clock: any TimeSource,
        threads: NIOThreadPool
    ) {
        self.store = store
        self.state = state
        self.openPGP = openPGP
        self.registry = registry
        self.certificates = certificates
        self.findings = findings
        self.recorder = recorder
        self.clock = clock
        self.threads = threads
        let entries = try? BackupFolder(store.place, openPGP: openPGP).entries()
        backups = BackupSchedule(last: entries?.last?.writtenAt)
    }

    /// The configuration that was accepted last.
    var acceptedConfiguration: String? { state.acceptedConfiguration }

    /// Takes over the journal of responses, for the next save.
    func keep(responses: [UInt8]) { state.responses = responses }

    /// Takes over under which names models know the applications, for the next save.
    func keep(pseudonyms: PseudonymBook) { state.pseudonyms = pseudonyms }

    func accept(_ configuration: String) { state.acceptedConfiguration = configuration }

    var report: Report {
        Report(
            generation: store.generation, savedAt: store.savedAt, failure: lastFailure?.message,
            hasBackupKey: state.backupKey != nil, lastBackup: backups.last, hadWitness: store.hadWitness)
    }

    /// What is shown of it.
    struct Report: Sendable {
        var generation: UInt64
        var savedAt: Timestamp
        var failure: String?
        var hasBackupKey: Bool
        var lastBackup: Timestamp?
        /// Whether it was opened with its witness.
        var hadWitness: Bool
    }

    // MARK: Saving

    /// Saves if there is anything new. Call it after every change, and now and then.
    ///
    /// - Parameter isLast: Whether nothing is saved after this: then nothing is put off.
    /// - Throws: `state.unsaved`: what changed is in force, and would not survive a restart.
    func save(isLast: Bool = false) async throws(ManagerError) {
        // One after another: whoever comes meanwhile may have changed something more.
        await begin()
        defer { finish() }
        do {
            await gather()
            if isLast || state.mark != saved || areFindingsDue { takeFindings() }
            let mark = state.mark
            guard mark != saved else { return }
            let (store, now, content) = (store, clock.now(), try state.content())
            _ = try await threads.runIfActive { try store.save(content, at: now) }
            saved = mark
            backups.changed()
            if lastFailure != nil {
                lastFailure = nil
                recorder.record(Event.Kind.stateSaved, .notice, ["generation": .integer(Int64(store.generation))])
            }
        } catch {
            let failure = error as? StateError ?? StateError(.io, "the state could not be gathered: \(error)")
            note(failure)
            throw ManagerError(
                .stateUnsaved, "it is in force, but could not be saved",
                hint: failure.hint ?? "it is lost with the next restart unless a later save succeeds", cause: failure)
        }
    }

    private func begin() async {
        guard isSaving else {
            isSaving = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func finish() {
        if waiting.isEmpty { isSaving = false } else { waiting.removeFirst().resume() }
    }

    private func gather() async {
        state.tunnels = await registry.table.kept
        let (authorities, revocations) = await certificates.kept()
        state.authorities = authorities
        state.revocations = revocations
        takeAudit()
    }

    private var areFindingsDue: Bool {
        findings.keptChange != state.findingsChange
            && (findingsTakenAt.map { clock.now() - $0 >= Self.findingsPause } ?? true)
    }

    private func takeFindings() {
        let (memory, change) = findings.memory()
        // Endpoints alone are not worth a save, and go along with any.
        state.findings = memory
        state.findingsChange = change
        findingsTakenAt = clock.now()
    }

    /// Takes over what was recorded since the last time: what an operator should still be able to look up next year.
    private func takeAudit() {
        for item in recorder.journal.events(after: auditCursor).entries {
            auditCursor = max(auditCursor, item.id)
            guard item.event.severity >= .notice else { continue }
            state.audit.append(AuditLine.text(item.event), at: item.event.time)
        }
    }

    private func note(_ failure: StateError) {
        if failure != lastFailure {
            recorder.record(
                Event.Kind.stateSaveFailed, .error,
                ["code": .string(failure.codeName), "reason": .string(failure.message)])
        }
        lastFailure = failure
    }

    // MARK: What the analyst learnt

    /// - Throws: `StateError`.
    func baselines() async throws -> [UInt8]? {
        let store = store
        return try await threads.runIfActive { try store.baselines() }
    }

    /// - Throws: `StateError`.
    func save(baselines: [UInt8]) async throws {
        await begin()
        defer { finish() }
        let store = store
        try await threads.runIfActive { try store.saveBaselines(baselines) }
    }

    // MARK: Backups

    /// Makes a backup when one is due.
    func backUpIfDue(_ settings: BackupSettings) async {
        guard let key = state.backupKey, backups.isDue(at: clock.now(), settings) else { return }
        do {
            _ = try await backUp(to: key, settings)
        } catch {
            if backups.failed(at: clock.now()) {
                recorder.record(
                    Event.Kind.backupFailed, .error,
                    ["reason": .string((error as? any DescribedError)?.message ?? "\(error)")])
            }
        }
    }

    /// Makes one now.
    ///
    /// - Returns: The file's name.
    func backUpNow(_ settings: BackupSettings) async throws(ManagerError) -> String {
        guard let key = state.backupKey else {
            throw ManagerError(
                .requestInvalid, "there is no backup key",
                hint: "give one: dtm state backup-key FILE, while no manager runs")
        }
        do {
            return try await backUp(to: key, settings).name
        } catch {
            throw ManagerError(
                .failed, "no backup was made: \((error as? any DescribedError)?.message ?? "\(error)")", cause: error)
        }
    }

    private func backUp(to key: [UInt8], _ settings: BackupSettings) async throws -> BackupFolder.Entry {
        await gather()
        takeFindings()
        let backup = Backup(
            instance: store.instance, generation: store.generation, writtenAt: clock.now(),
            content: try state.content())
        let (place, openPGP) = (store.place, openPGP)
        let retention = BackupRetention(count: settings.keepCount, age: .seconds(Int64(settings.keepDays) * 86_400))
        let (written, removed) = try await threads.runIfActive {
            try BackupFolder(place, openPGP: openPGP)
                .write(backup, to: try OpenPGPPublicKey(key, requireEncryption: true), keeping: retention)
        }
        backups.done(at: backup.writtenAt)
        recorder.record(
            Event.Kind.backupWritten, .info,
            [
                "file": .string(written.name), "generation": .integer(Int64(written.generation)),
                "removed": .list(removed.map(\.name)),
            ])
        return written
    }

    // MARK: Checking

    /// Whether the files are what this manager wrote.
    ///
    /// - Returns: What is wrong.
    func check() async -> StateError? {
        let store = store
        do {
            try await threads.runIfActive { try store.verifyOnDisk() }
            return nil
        } catch {
            return error as? StateError ?? StateError(.io, "\(error)")
        }
    }
}

/// When backups are made: on change, at most one in an interval, and once a day in any case. A pure value.
struct BackupSchedule: Sendable {
    private(set) var last: Timestamp?
    private var hasChanged = true

    init(last: Timestamp? = nil) { self.last = last }

    private var retryAt: Timestamp?
    private var failures = 0
    /// A backup that failed is tried again after this time.
    static let retry = Duration.seconds(300)
    static let daily = Duration.seconds(86_400)

    mutating func changed() { hasChanged = true }

    func isDue(at now: Timestamp, _ settings: BackupSettings) -> Bool {
        if let retryAt, now < retryAt { return false }
        guard let last else { return true }
        let since = now - last
        return since >= Self.daily || (hasChanged && since >= .milliseconds(Int64(settings.intervalSeconds * 1_000)))
    }

    mutating func done(at now: Timestamp) {
        last = now
        hasChanged = false
        retryAt = nil
        failures = 0
    }

    /// - Returns: Whether it is worth telling: the first time, and each day.
    mutating func failed(at now: Timestamp) -> Bool {
        defer { failures += 1 }
        retryAt = now + Self.retry
        return failures % 288 == 0
    }
}

/// One event as a line of the audit trail.
enum AuditLine {
    static func text(_ event: Event) -> String {
        let detail = event.detail.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        let about = [
            event.tunnel.map { "tunnel=\($0)" }, event.app.map { "app=\($0)" }, event.identity.map { "identity=\($0)" },
        ]
        .compactMap(\.self)
        return ([event.severity.rawValue, event.kind] + about + [detail]).joined(separator: " ")
    }
}

/// Tells once that the files of the state are not what they should be, and once that they are again.
final class StateWatch: Sendable {
    private let known = Mutex<StateError?>(nil)
    private let recorder: EventRecorder

    init(recorder: EventRecorder) { self.recorder = recorder }

    func note(_ problem: StateError?) {
        let before = known.withLock { known in
            defer { known = problem }
            return known
        }
        guard problem != before else { return }
        if let problem {
            recorder.record(
                Event.Kind.stateDamaged, .critical,
                ["code": .string(problem.codeName), "reason": .string(problem.message)])
        } else {
            recorder.record(Event.Kind.stateDamaged, .notice, ["reason": "the files are whole again"])
        }
    }
}
