import DTMAPI
import DTMConfiguration
import DTMCore
import DTMPlan
import DTMSecrets
import DTMTelemetry
import Synchronization

/// Answers `dtm status`, and looks at the manager itself on a timer.
final class StatusService: Sendable {
    /// What is not as it should be with the launcher.
    private struct Supervision {
        var launcherPID: Int32?
        var isOrphaned = false
    }

    private let home: String
    private let startedAt: Timestamp
    private let clock: any TimeSource
    private let wall: any TimeSource
    private let registry: TunnelRegistry
    private let supervisor: DataPlaneSupervisor
    private let configuration: ConfigurationKeeper
    private let memory: ManagerMemory
    private let desk: ProtectionDesk
    private let meter: UsageMeter
    private let recorder: EventRecorder
    private let controlPID: Int32
    private let autoTunnel: AutoTunnelSwitch
    private let analysis: AnalysisSwitch
    private let supervision: Mutex<Supervision>
    private let clockWatch = Mutex(ClockWatch())
    private let performance: Mutex<PerformanceWindow>
    /// Nil when nothing survives a restart.
    private let keeper: StateKeeper?
    private let acceptance: ConfigurationAcceptance

    init(
        home: String, launcherPID: Int32?, controlPID: Int32, autoTunnel: AutoTunnelSwitch,
        analysis: AnalysisSwitch, clock: any TimeSource,
        wall: any TimeSource,
        registry: TunnelRegistry, supervisor: DataPlaneSupervisor, configuration: ConfigurationKeeper,
        memory: ManagerMemory, desk: ProtectionDesk, meter: UsageMeter,
        recorder: EventRecorder, keeper: StateKeeper?, acceptance: ConfigurationAcceptance
    ) {
        self.keeper = keeper
        self.acceptance = acceptance
        self.home = home
        self.clock = clock
        self.wall = wall
        self.registry = registry
        self.supervisor = supervisor
        self.configuration = configuration
        self.memory = memory
        self.desk = desk
        self.meter = meter
        self.recorder = recorder
        self.controlPID = controlPID
        self.autoTunnel = autoTunnel
        self.analysis = analysis
        startedAt = clock.now()
        supervision = Mutex(Supervision(launcherPID: launcherPID))
        performance = Mutex(PerformanceWindow(since: clock.now()))
    }

    var processes: ManagerProcesses {
        ManagerProcesses(
            launcher: supervision.withLock { $0.isOrphaned ? nil : $0.launcherPID }, control: controlPID,
            dataPlane: supervisor.status.pid)
    }

    var isOrphaned: Bool { supervision.withLock { $0.isOrphaned } }

    /// The launcher is gone.
    func orphaned() { supervision.withLock { $0.isOrphaned = true } }

    func report() async -> StatusReport {
        let processes = processes
        let usage = await meter.read(processes)
        let loaded = await configuration.current
        let records = await registry.records
        return StatusReport(
            pid: processes.launcher ?? processes.control, uptimeSeconds: (clock.now() - startedAt).inSeconds,
            version: DTMVersion.text, home: home, configuration: loaded.path,
            state: .init(mode: keeper == nil ? "ephemeral" : "sealed"),
            autoTunnel: autoTunnel.isOn(loaded.configuration),
            analysis: analysis.isOn(loaded.configuration), tunnels: records.count,
            memory: .init(
                residentBytes: usage.residentBytes, lockedBytes: usage.lockedBytes, protection: protection),
            cpuPercent: usage.cpuPercent,
            processes: usage.processes, degraded: degraded(processes, records) + (await stateProblems()))
    }

    private func stateProblems() async -> [String] {
        let known = await keeper?.report
        let failure = known?.failure.map { "the state can't be saved: \($0)" }
        let witness =
            known?.hadWitness == false
            ? "the state was opened without its witness: it may be older than what this host has seen" : nil
        return [failure, witness].compactMap(\.self)
            + acceptance.weakenings.map { "the configuration protects less than the accepted one: \($0)" }
    }

    private var protection: StatusReport.ProtectionReport {
        let dataPlane = supervisor.status.memory
        return StatusReport.ProtectionReport(
            policy: memory.policy.rawValue, control: memory.control.name,
            dataPlane: dataPlane?.name, reason: memory.control.refusal ?? dataPlane?.refusal,
            lapses: desk.problems)
    }

    private func degraded(_ processes: ManagerProcesses, _ records: [TunnelRecord]) -> [String] {
        var problems: [String] = []
        if processes.dataPlane == nil { problems.append("the data plane is down: no tunnel accepts connections") }
        if supervision.withLock(\.isOrphaned) { problems.append("the launcher is gone: nothing restarts what dies") }
        problems += desk.problems
        for record in records {
            if let problem = record.problem {
                problems.append("tunnel \(record.name): target \(record.draft.target): \(problem)")
            }
            if processes.dataPlane != nil, record.observed.endpoint == nil, record.plan != nil {
                let reason = record.observed.lastFailure.map { " (\($0.step): \($0.reason))" } ?? ""
                problems.append("tunnel \(record.name): no endpoint accepts yet\(reason)")
            }
        }
        return problems
    }

    /// Keeps the load of the last seconds, and notices when the wall clock is set. Call it every few seconds.
    func look() async {
        _ = await meter.read(processes)
        let step = clockWatch.withLock { $0.look(wall: wall.now(), steady: clock.now()) }
        guard let step else { return }
        recorder.record(
            Event.Kind.clockStepped, .warning,
            [
                "seconds": .double(step.inSeconds),
                "effect": "none: epochs and certificates run on a steady clock",
            ])
    }

    /// Writes the performance records of a minute.
    func recordPerformance() async {
        let usage = await meter.read(processes)
        let records = await registry.takeRecordsForPerformance()
        let now = clock.now()
        let record = performance.withLock { $0.record(records, usage: usage, at: now) }
        recorder.record(record.events(at: now))
    }
}

extension TunnelRegistry {
    /// All tunnels, with the timings of the rotations since the last call.
    func takeRecordsForPerformance() -> [TunnelRecord] {
        let taken = records
        for record in taken { table.update(record.id) { $0.observed.timings.reset() } }
        return taken
    }
}
