import DTMCore
import DTMPolicy
import DTMTelemetry

/// Everything that the routes join.
struct ControlParts: Sendable {
    let registry: TunnelRegistry
    let certificates: CertificateService
    let supervisor: DataPlaneSupervisor
    let configuration: ConfigurationKeeper
    let protection: Protection
    let admission: Admission
    let applications: any ApplicationFinding
    let status: StatusService
    let doctor: DoctorService
    let desk: ProtectionDesk
    let recorder: EventRecorder
    let rights: APIRights
    let callers: CallerDirectory
    let trustBundlePath: String
    let refresh: NameRefresh
    let autoTunnel: AutoTunnelSwitch
    let analysis: AnalysisSwitch
    let judge: ProgramJudge
    let hosting: HostingCount
    /// This manager's own control socket, over which the connectors that it hosts call it.
    let controlSocket: String
    /// Nil when nothing survives a restart.
    let state: StateKeeper?
    let acceptance: ConfigurationAcceptance
    /// Nil when nothing survives a restart: there is no passphrase then.
    let operatorCheck: OperatorCheck?
    let live: LiveFeed
    let findings: FindingDesk
    let responses: ResponseDesk
    let analyst: AnalystDesk
    let models: ModelDesk
    let notifications: NotificationDesk

    /// Passes on whom peers shall trust: to the data plane, to connectors, and to the file.
    func publishTrust() async { await publisher.publish() }

    func writeTrustBundle(_ snapshot: TrustSnapshot) { publisher.write(snapshot) }

    private var publisher: TrustPublisher {
        TrustPublisher(registry: registry, certificates: certificates, recorder: recorder, path: trustBundlePath)
    }

    /// - Throws: `permission.denied` unless the caller may see everything and change anything.
    func requireSteering(_ caller: LocalCaller) throws(ManagerError) {
        let decision = rights.decide(.steer, caller: caller)
        guard decision.allowed else {
            throw ManagerError(
                .notPermitted, decision.reason,
                hint: "ask whoever runs the manager, or join the group dtm of a system manager")
        }
    }

    func maySteer(_ caller: LocalCaller) -> Bool { rights.decide(.steer, caller: caller).allowed }

    /// The tunnels that a caller sees: all for who may steer, otherwise those of his own and those he may connect to.
    func visibleTunnels(to caller: LocalCaller) async -> [TunnelRecord] {
        let records = await registry.records
        guard !maySteer(caller) else { return records }
        return records.filter { sees(caller, $0) }
    }

    /// Whether somebody who may not steer sees a tunnel.
    func sees(_ caller: LocalCaller, _ record: TunnelRecord) -> Bool {
        record.draft.ownerUID == caller.uid || admission.admits(caller, to: record)
    }
}

/// Passes on whom peers shall trust.
struct TrustPublisher: Sendable {
    let registry: TunnelRegistry
    let certificates: CertificateService
    let recorder: EventRecorder
    let path: String

    func publish() async {
        let snapshot = await certificates.snapshot
        await registry.trustChanged(snapshot)
        write(snapshot)
    }

    func write(_ snapshot: TrustSnapshot) {
        do throws(ManagerError) {
            try TrustBundleFile.write(snapshot.bundle, to: path)
        } catch {
            recorder.record("certificates.bundle_unwritten", .warning, ["reason": .string(error.message)])
        }
    }
}
