import CDTMLinux
import DTMCore
import DTMPlan
import DTMResponse
import Glibc
import Synchronization

/// Carries out responses with the parts of this manager.
final class ManagerEffects: ResponseEffects {
    /// How many decoys a tunnel has while an alarm raises them: four times the usual number, and 64 at least. Where the
    /// policy wants none, there are none.
    static func raisedDecoys(from usual: UInt16) -> Int { usual == 0 ? 0 : max(64, 4 * Int(usual)) }
    private let registry: TunnelRegistry
    private let certificates: CertificateService
    private let applications: any ApplicationFinding
    private let decoys: any DecoyRaising
    private let own: @Sendable () async -> OwnParts
    private let publishTrust: @Sendable () async -> Void
    private let raised = Mutex<Set<String>>([])

    init(
        registry: TunnelRegistry, certificates: CertificateService, applications: any ApplicationFinding,
        decoys: any DecoyRaising, own: @escaping @Sendable () async -> OwnParts,
        publishTrust: @escaping @Sendable () async -> Void
    ) {
        self.registry = registry
        self.certificates = certificates
        self.applications = applications
        self.decoys = decoys
        self.own = own
        self.publishTrust = publishTrust
    }

    func rotate(_ tunnel: String) async throws(ManagerError) {
        let record = try await registry.record(named: tunnel)
        _ = await registry.rotate([record.id])
    }

    func raiseDecoys(of tunnels: Set<String>) async {
        let before = raised.withLock { raised in
            defer { raised = tunnels }
            return raised
        }
        for name in before.symmetricDifference(tunnels).sorted() {
            // One that is gone has no decoys either.
            guard let record = try? await registry.record(named: name) else { continue }
            let wanted = tunnels.contains(name) ? Self.raisedDecoys(from: record.settings.decoys) : nil
            await decoys.setDecoys(wanted, of: record.id)
        }
    }

    func cutOff(quarantined: Set<ResponseSubject>, throttled: Set<ResponseSubject>) async {
        registry.barrier.set(quarantined: quarantined, throttled: throttled)
        await registry.commit()
    }

    func revoke(_ subject: ResponseSubject) async throws(ManagerError) {
        let identities: Set<String> =
            switch subject {
            case .identity(let identity): [identity]
            case .program(let uid, let executable):
                registry.connectors.identities(ofUID: uid, executable: executable)
            case .application, .tunnel, .host: []
            }
        guard !identities.isEmpty else {
            throw ManagerError(.certificateUnknown, "\(subject) holds no identity of this manager")
        }
        var tunnels: Set<TunnelID> = []
        for identity in identities.sorted() {
            tunnels.formUnion(try await certificates.revoke(identity, names: await registry.names).tunnels)
        }
        // First who is trusted, which cuts live connections; then new keys, so that the endpoints known to him are
        // nobody's.
        await publishTrust()
        try await registry.rekey(tunnels)
    }

    func applicationCount() async -> Int? {
        guard let view = try? await applications.sharedView() else { return nil }
        return Set(view.processes.filter { !$0.listeners.isEmpty || !$0.connections.isEmpty }.map(\.application)).count
    }

    // MARK: Stopping

    func stop(_ subject: ResponseSubject, sparing protected: ProtectedSubjects) async throws(ManagerError)
        -> [StoppedProcess]
    {
        let processes = try await processes(of: subject)
        let own = await own().processes
        let spared = processes.first { process in
            own.contains(process.pid) || process.pid <= 1 || protected.contains(.application(process.application))
                || protected.contains(.program(uid: process.uid, executable: process.executable))
        }
        if let spared {
            throw ManagerError(
                .responseProtected, "process \(spared.pid) (\(printable(spared.name))) of \(subject) is protected",
                hint: "nothing was stopped")
        }
        let stopped = processes.map { StoppedProcess(pid: $0.pid, startTicks: $0.startTicks) }
        for process in stopped { await signal(process, SIGTERM) }
        return stopped
    }

    private func processes(of subject: ResponseSubject) async throws(ManagerError) -> [ApplicationObservation] {
        guard let view = try? await applications.view() else {
            throw ManagerError(.failed, "the processes of this host can't be looked at")
        }
        let processes = view.processes.filter { process in
            switch subject {
            case .application(let name): process.application == name
            case .program(let uid, let executable?): process.uid == uid && process.executable == executable
            // All that a user runs is no application.
            case .program, .identity, .tunnel, .host: false
            }
        }
        guard !processes.isEmpty else { throw ManagerError(.subjectUnknown, "no process of \(subject) runs here") }
        return processes
    }

    func end(_ processes: [StoppedProcess]) async {
        for process in processes { await signal(process, SIGKILL) }
    }

    /// Sends it to the process that is meant or to nobody: a descriptor of it is held while its start is looked at.
    private func signal(_ process: StoppedProcess, _ signal: Int32) async {
        let descriptor = dtm_pidfd_open(process.pid)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, let view = try? await applications.view(),
            view.processes.contains(where: { $0.pid == process.pid && $0.startTicks == process.startTicks })
        else { return }
        kill(process.pid, signal)
    }
}
