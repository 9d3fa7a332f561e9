import DTMAPI
import DTMCertificates
import DTMCore
import DTMPolicy
import DTMTunnel

/// Decides who may connect to a tunnel, and lets in who may.
struct Admission: Sendable {
    let registry: TunnelRegistry
    let certificates: CertificateService
    let applications: any ApplicationFinding
    let programs: any ProgramFinding
    let recorder: EventRecorder
    /// Stands in for the owner of a target that is not on this host.
    let managerUID: UInt32
    /// This process: a connector that it hosts calls over its own control socket.
    let controlPID: Int32

    /// The policy's word about a caller who wants a connector of his own.
    func decide(_ caller: LocalCaller, on record: TunnelRecord) async -> AdmissionDecision {
        if isHosted(caller) { return Self.hosted }
        return record.settings.policy.decide(caller: caller, ownerUID: await owner(of: record))
    }

    /// Whether a caller may connect; asks for no owner that is not known yet.
    func admits(_ caller: LocalCaller, to record: TunnelRecord) -> Bool {
        isHosted(caller)
            || record.settings.policy.decide(caller: caller, ownerUID: record.draft.ownerUID ?? managerUID).allowed
    }

    /// - Throws: `connect.denied` unless the caller may have the manager host a connector for him.
    func admitHosting(of caller: LocalCaller, on record: TunnelRecord) async throws(ManagerError) {
        let decision = record.settings.policy.decide(
            caller: caller, ownerUID: await owner(of: record), connector: .hosted)
        guard decision.allowed else {
            note(decision, caller, record, nil)
            throw Self.denied(record, decision)
        }
    }

    /// A PID is used again only once its process is gone, and this one is not.
    private func isHosted(_ caller: LocalCaller) -> Bool { caller.pid == controlPID && caller.uid == managerUID }

    private static let hosted = AdmissionDecision(
        allowed: true, rule: "hosted", reason: "a connector that the manager hosts: each of its connections is decided")

    /// The tunnel, for a caller who may connect to it.
    ///
    /// - Throws: `tunnel.unknown`, `connect.denied`.
    func tunnel(_ name: String, for caller: LocalCaller) async throws(ManagerError) -> TunnelRecord {
        let record = try await registry.record(named: name)
        let decision = await decide(caller, on: record)
        guard decision.allowed else { throw Self.denied(record, decision) }
        return record
    }

    /// Gives a connector its identity. Every decision is an event.
    func identity(
        of caller: LocalCaller, for name: String, _ request: IdentityRequest
    ) async throws(ManagerError) -> IdentityAnswer {
        let record = try await registry.record(named: name)
        let (connector, der) = try Self.read(request)
        let decision = await decide(caller, on: record)
        guard decision.allowed else {
            note(decision, caller, record, nil)
            throw Self.denied(record, decision)
        }
        let who = "\(isHosted(caller) ? "hosted" : "uid-\(caller.uid)").\(connector)"
        let holder = await holder(caller)
        try await requireFree(who, of: holder, on: record)
        let leaf = try await certificates.issue(der, toClientOf: record.id, who: who)
        registry.connectors.note(leaf.identity, holder)
        note(decision, caller, record, leaf.identity)
        guard let follow = await registry.followState(record.id) else {
            throw ManagerError(.tunnelUnknown, "the tunnel \(record.name) was removed meanwhile")
        }
        return IdentityAnswer(
            tunnel: record.name.text, tunnelID: record.id.description, identity: leaf.identity.description,
            certificateChain: leaf.chain.map(Base64.encode), notAfter: leaf.notAfter.rfc3339,
            renewAt: leaf.renewAt.rfc3339,
            reason: decision.reason, follow: follow)
    }

    /// - Throws: `connect.denied` for who is in quarantine.
    private func requireFree(
        _ who: String, of holder: ConnectorBook.Holder, on record: TunnelRecord
    ) async throws(ManagerError) {
        let identity = SPIFFEID.client(of: record.id, who: who, in: certificates.initialSnapshot.trustDomain)
        let barrier = registry.barrier
        // Who has an identity already may renew it, unless it is that one.
        let isNew = identity.map { registry.connectors.holder(of: $0.description) == nil } ?? true
        let isKeptOut =
            barrier.isQuarantined(uid: holder.uid, executable: holder.executable)
            || identity.map { barrier.isQuarantined($0.description) } ?? false
            || (isNew && barrier.isQuarantined(anyOf: holder.uid, on: record.id))
        guard isKeptOut else { return }
        recorder.record(
            Event.Kind.connectDenied, .warning, tunnel: record.name, app: record.draft.application, identity: identity,
            ["uid": .integer(Int64(holder.uid)), "reason": "it is in quarantine", "rule": "quarantine"])
        throw ManagerError(
            .connectDenied, "the tunnel \(record.name) does not let you in: you are in quarantine",
            hint: "whoever runs the manager can end it: dtm respond list, dtm respond undo ID")
    }

    private func holder(_ caller: LocalCaller) async -> ConnectorBook.Holder {
        var holder = ConnectorBook.Holder(uid: caller.uid, userName: caller.userName, pid: caller.pid)
        if let pid = caller.pid {
            let program = await programs.program(
                behind: .unix(pid: pid, uid: caller.uid, gid: caller.gid), digests: false)
            holder.executable = program?.holders.first?.executable
        }
        return holder
    }

    /// The owner, looked up once: whoever takes the port over later is not the owner.
    func owner(of record: TunnelRecord) async -> UInt32 {
        if let known = record.draft.ownerUID { return known }
        guard let uid = await applications.ownerUID(of: record.draft.target) else { return managerUID }
        await registry.ownerFound(record.id, uid: uid, application: nil)
        return uid
    }

    private static func read(_ request: IdentityRequest) throws(ManagerError) -> (connector: String, der: [UInt8]) {
        let connector = request.connector
        guard connector.utf8.count == 16,
            connector.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else {
            throw ManagerError(
                .requestInvalid, "connector is \(printable(connector)); allowed are 16 lower-case hexadecimal digits")
        }
        guard let der = Base64.decode(request.certificateRequest), !der.isEmpty else {
            throw ManagerError(.certificateRequestInvalid, "certificateRequest is not a PKCS#10 request in base64")
        }
        return (connector, der)
    }

    private func note(
        _ decision: AdmissionDecision, _ caller: LocalCaller, _ record: TunnelRecord, _ identity: SPIFFEID?
    ) {
        var detail: [String: DetailValue] = [
            "uid": .integer(Int64(caller.uid)), "reason": .string(decision.reason),
            "rule": .string(decision.rule ?? "none"),
        ]
        if let pid = caller.pid { detail["pid"] = .integer(Int64(pid)) }
        if let user = caller.userName { detail["user"] = .string(user) }
        recorder.record(
            decision.allowed ? Event.Kind.connectGranted : Event.Kind.connectDenied,
            decision.allowed ? .info : .warning,
            tunnel: record.name, app: record.draft.application, identity: identity, detail)
    }

    private static func denied(_ record: TunnelRecord, _ decision: AdmissionDecision) -> ManagerError {
        guard !decision.needsHosting else {
            return ManagerError(
                .connectDenied, "the tunnel \(record.name) does not let you in this way: \(decision.reason)",
                hint: "dtm connect \(record.name) --hosted, with --listen or --unix")
        }
        return ManagerError(
            .connectDenied, "the tunnel \(record.name) does not let you in: \(decision.reason)",
            hint: "whoever runs the manager can allow it: --allow RULE with dtm protect, or allow in tunnels[]")
    }
}
