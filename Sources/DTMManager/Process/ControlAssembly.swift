import DTMCertificates
import DTMConfiguration
import DTMCore
import DTMModels
import DTMPlan
import DTMPolicy
import DTMResponse
import DTMTelemetry
import NIOCore
import NIOPosix

/// What control is made of, besides the world around it.
struct ControlSetting: Sendable {
    var home: Home
    var loaded: LoadedConfiguration
    var source: any ConfigurationReading
    var reservedPorts: ReservedPorts
    var anchor: ClockAnchor
    var clock: any TimeSource
    var wall: any TimeSource
    var managerUID: UInt32
    var controlPID: Int32
    var launcherPID: Int32?
    var isAutomatic: Bool
    /// Nil in tests.
    var log: EventLog?
    var accounts: any AccountDirectory
    var applications: any ApplicationFinding
    var programs: any ProgramFinding
    /// Nil in tests: nothing is looked at by itself.
    var inventory: HostInventory?
    var names: any NameResolving
    var probe: any TargetProbing
    var threads: NIOThreadPool
    var memory: ManagerMemory
    /// Nil in tests: control does not look at itself.
    var checks: RuntimeChecks?
    /// Paths of control sockets, which no tunnel may lead to.
    var sockets: [ControlSocket]
    /// The sealed state; nil: everything is forgotten at the end.
    var sealed: OpenedState?
    /// The ladder's times and budgets; mode, threshold and protected ones come from the configuration.
    var responsePolicy = ResponsePolicy()
    /// `CREDENTIALS_DIRECTORY` (systemd.exec(5)); nil without it.
    var credentials: String?
    /// `openai_api_key` of the configuration in force.
    var providerKey = ProviderKeyHolder()
    /// Called when there are models to ask.
    var modelTransport: @Sendable () -> any ClosableModelTransport = { HTTPTransport() }
}

/// Control's parts, joined.
struct ControlAssembly: Sendable {
    let setting: ControlSetting
    let parts: ControlParts
    let outbox: DataPlaneOutbox
    let refresh: NameRefresh
    let autoTunnel: AutoTunnel
    let touches: TouchDesk

    /// Makes the authority and the parts; opens nothing.
    ///
    /// - Throws: ``ManagerError``, `CertificatesError`.
    init(_ setting: ControlSetting) throws {
        self.setting = setting
        let recorder = EventRecorder(journal: EventJournal(), log: setting.log, clock: setting.clock)
        let configuration = setting.loaded.configuration
        let certificates = try Self.certificates(setting, recorder)
        outbox = DataPlaneOutbox { failure in
            recorder.record(
                Event.Kind.dataPlaneUnsent, .error, ["reason": .string(failure.message)])
        }
        let registry = TunnelRegistry(
            defaults: TunnelDefaults(configuration: configuration, reservedPorts: setting.reservedPorts),
            trust: certificates.initialSnapshot, anchor: setting.anchor, clock: setting.clock, outbox: outbox,
            recorder: recorder)
        touches = TouchDesk(programs: setting.programs) { await registry.record($0) }
        let keeper = ConfigurationKeeper(
            current: setting.loaded, source: setting.source, reservedPorts: setting.reservedPorts, registry: registry,
            recorder: recorder, logDirectory: setting.home.logs, providerKey: setting.providerKey)
        let desk = ProtectionDesk(recorder: recorder)
        let supervisor = DataPlaneSupervisor(
            registry: registry, certificates: certificates, outbox: outbox, recorder: recorder,
            drainSeconds: configuration.timeouts.drainSeconds, memory: setting.memory, desk: desk)
        let acceptance = ConfigurationAcceptance(recorder: recorder)
        let findings = FindingDesk(
            kept: setting.sealed?.state.findings, recorder: recorder, at: setting.clock.now())
        let stateKeeper = setting.sealed.map { sealed in
            StateKeeper(
                store: sealed.store, state: sealed.state, openPGP: sealed.openPGP, registry: registry,
                certificates: certificates, findings: findings, recorder: recorder, clock: setting.clock,
                threads: setting.threads)
        }
        let switchState = AutoTunnelSwitch(isOn: setting.isAutomatic ? true : nil)
        let analysis = AnalysisSwitch()
        let status = StatusService(
            home: setting.home.path, launcherPID: setting.launcherPID, controlPID: setting.controlPID,
            autoTunnel: switchState, analysis: analysis, clock: setting.clock, wall: setting.wall, registry: registry,
            supervisor: supervisor, configuration: keeper, memory: setting.memory, desk: desk,
            meter: UsageMeter(threads: setting.threads, clock: setting.clock), recorder: recorder, keeper: stateKeeper,
            acceptance: acceptance)
        let resolver = TargetResolver(names: setting.names)
        refresh = NameRefresh(registry: registry, resolver: resolver, applications: setting.applications)
        let socketPaths = Set(setting.sockets.map(\.path))
        let protection = Protection(
            registry: registry, certificates: certificates, applications: setting.applications, resolver: resolver,
            probe: setting.probe, accounts: setting.accounts,
            own: { await OwnParts(status, registry, socketPaths) }, managerUID: setting.managerUID)
        let admission = Admission(
            registry: registry, certificates: certificates, applications: setting.applications,
            programs: setting.programs, recorder: recorder,
            managerUID: setting.managerUID, controlPID: setting.controlPID)
        autoTunnel = AutoTunnel(
            registry: registry, protection: protection, configuration: keeper, recorder: recorder, clock: setting.clock,
            switchState: switchState)
        parts = ControlParts(
            registry: registry, certificates: certificates, supervisor: supervisor, configuration: keeper,
            protection: protection, admission: admission, applications: setting.applications, status: status,
            doctor: DoctorService(
                setting: setting, registry: registry, configuration: keeper, supervisor: supervisor, desk: desk),
            desk: desk, recorder: recorder, rights: APIRights(managerUID: setting.managerUID),
            callers: CallerDirectory(accounts: setting.accounts, clock: setting.clock),
            trustBundlePath: setting.home.trustBundle, refresh: refresh, autoTunnel: switchState, analysis: analysis,
            judge: ProgramJudge(
                registry: registry, admission: admission, programs: setting.programs, recorder: recorder),
            hosting: HostingCount(), controlSocket: setting.home.controlSocket,
            state: stateKeeper, acceptance: acceptance,
            operatorCheck: setting.sealed.map { sealed in
                OperatorCheck(
                    store: sealed.store, threads: setting.threads, recorder: recorder, clock: setting.clock)
            },
            live: LiveFeed(), findings: findings,
            responses: Self.responses(
                setting, registry, certificates, keeper, stateKeeper, recorder,
                own: { await OwnParts(status, registry, socketPaths) }),
            analyst: AnalystDesk(),
            models: ModelDesk(book: setting.sealed?.state.pseudonyms ?? PseudonymBook()),
            notifications: NotificationDesk())
    }

    private static func responses(
        _ setting: ControlSetting, _ registry: TunnelRegistry, _ certificates: CertificateService,
        _ configuration: ConfigurationKeeper, _ state: StateKeeper?, _ recorder: EventRecorder,
        own: @escaping @Sendable () async -> OwnParts
    ) -> ResponseDesk {
        let publisher = TrustPublisher(
            registry: registry, certificates: certificates, recorder: recorder, path: setting.home.trustBundle)
        return ResponseDesk(
            kept: setting.sealed?.state.responses, policy: setting.responsePolicy,
            effects: ManagerEffects(
                registry: registry, certificates: certificates, applications: setting.applications,
                decoys: registry, own: own, publishTrust: { await publisher.publish() }),
            protection: ResponseProtection(
                managerUID: setting.managerUID, ownExecutable: OwnExecutable.path, accounts: setting.accounts,
                connectors: registry.connectors),
            configuration: { await configuration.current.configuration }, recorder: recorder, clock: setting.clock,
            keeper: state)
    }

    /// A new authority, or the one that was kept.
    private static func certificates(_ setting: ControlSetting, _ recorder: EventRecorder) throws -> CertificateService
    {
        let policy = try setting.loaded.configuration.certificates.policy
        guard let state = setting.sealed?.state, let authorities = state.authorities else {
            return try CertificateService(policy: policy, clock: setting.clock, recorder: recorder)
        }
        return try CertificateService(
            restoring: authorities, revocations: state.revocations, policy: policy, clock: setting.clock,
            recorder: recorder)
    }

    /// What belongs to the manager itself.
    var own: OwnParts {
        get async { await OwnParts(parts.status, parts.registry, Set(setting.sockets.map(\.path))) }
    }
}

extension OwnParts {
    fileprivate init(_ status: StatusService, _ registry: TunnelRegistry, _ socketPaths: Set<String>) async {
        let listeners = await registry.records.flatMap(\.observed.listeners)
        self.init(
            processes: Set(status.processes.pids), endpoints: Set(listeners.map(\.endpoint)), socketPaths: socketPaths)
    }
}

extension CertificateSettings {
    /// The policy that these lifetimes make.
    var policy: AuthorityPolicy {
        get throws {
            let leaf = Duration.milliseconds(Int64(leafLifetimeSeconds * 1_000))
            let authority = Duration.milliseconds(Int64(authorityLifetimeSeconds * 1_000))
            return try AuthorityPolicy(
                leafLifetime: leaf, renewalMargin: .milliseconds(Int64(renewalMarginSeconds * 1_000)),
                authorityLifetime: authority, publicationLead: min(.seconds(30), leaf))
        }
    }
}
