import DTMCore
import DTMPolicy
import DTMTunnel

/// Finds out who is behind a local connection.
protocol ProgramFinding: Sendable {
    /// Nil when not even the user can be told. Never a guess.
    ///
    /// - Parameter digests: Whether the executables' contents are to be hashed.
    func program(behind peer: LocalPeer, digests: Bool) async -> ConnectingProgram?

    /// Who holds a socket whose user and inode the kernel told a moment ago, though its connection may be over. For words
    /// alone: a decision needs the connection itself.
    func program(holding inode: UInt32, uid: UInt32) async -> ConnectingProgram?
}

extension ProgramFinding {
    func program(holding inode: UInt32, uid: UInt32) async -> ConnectingProgram? { nil }
}

/// Decides about the connections of hosted connectors by the program behind each, and records every decision.
struct ProgramJudge: Sendable {
    let registry: TunnelRegistry
    let admission: Admission
    let programs: any ProgramFinding
    let recorder: EventRecorder

    /// Nil when the connection may go on; otherwise why not.
    func refusal(of peer: LocalPeer, on tunnel: TunnelName, onlyUser: UInt32?) async -> String? {
        guard let record = try? await registry.record(named: tunnel.text) else { return "the tunnel is gone" }
        let policy = record.settings.policy
        guard let program = await programs.program(behind: peer, digests: policy.needsHash) else {
            let decision = AdmissionDecision(
                allowed: false, rule: nil, reason: "the kernel does not say whose connection it is")
            await note(decision, nil, record)
            return decision.reason
        }
        let quarantined =
            program.holders.isEmpty
            ? registry.barrier.isQuarantined(uid: program.uid, executable: nil)
            : program.holders.contains { registry.barrier.isQuarantined(uid: program.uid, executable: $0.executable) }
        if quarantined {
            let decision = AdmissionDecision(allowed: false, rule: "quarantine", reason: "the program is in quarantine")
            await note(decision, program, record)
            return decision.reason
        }
        var decision = policy.decide(program: program, ownerUID: await admission.owner(of: record))
        if decision.allowed, let onlyUser, program.uid != onlyUser {
            decision = AdmissionDecision(
                allowed: false, rule: nil,
                reason: "it comes from uid \(program.uid), and the connector serves uid \(onlyUser) alone")
        }
        await note(decision, program, record)
        return decision.allowed ? nil : decision.reason
    }

    private func note(_ decision: AdmissionDecision, _ program: ConnectingProgram?, _ record: TunnelRecord) async {
        var detail: [String: DetailValue] = ["reason": .string(decision.reason)]
        if let rule = decision.rule { detail["rule"] = .string(rule) }
        if let program { detail.merge(program.detail) { first, _ in first } }
        guard !decision.allowed else {
            recorder.record(
                Event.Kind.programAdmitted, .info, tunnel: record.name, app: record.draft.application, detail)
            return
        }
        await registry.recordLimited(
            Event(
                time: registry.clock.now(), kind: Event.Kind.programRefused, severity: .warning,
                tunnel: record.name.text, app: record.draft.application, detail: detail))
    }
}

extension ConnectingProgram {
    /// As events show it: the first holder, and that there are others when there are.
    var detail: [String: DetailValue] {
        var detail: [String: DetailValue] = ["uid": .integer(Int64(uid))]
        if let userName { detail["user"] = .string(userName) }
        if let first = holders.first {
            if let pid = first.pid { detail["pid"] = .integer(Int64(pid)) }
            if let executable = first.executable { detail["executable"] = .string(executable) }
            if let cgroup = first.cgroup { detail["cgroup"] = .string(cgroup) }
            if let unit = first.unit { detail["unit"] = .string(unit) }
        }
        if isAmbiguous {
            detail["ambiguous"] = .boolean(true)
            detail["holders"] = .list(holders.compactMap { $0.pid.map(String.init) })
        }
        return detail
    }
}
