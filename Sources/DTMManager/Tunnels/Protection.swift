import DTMAPI
import DTMCore
import DTMPlan
import DTMPolicy

/// Takes applications under protection on request: `dtm protect`, `dtm unprotect`, `dtm rotate`.
struct Protection: Sendable {
    let registry: TunnelRegistry
    let certificates: CertificateService
    let applications: any ApplicationFinding
    let resolver: TargetResolver
    let probe: any TargetProbing
    let accounts: any AccountDirectory
    /// What belongs to the manager itself.
    let own: @Sendable () async -> OwnParts
    let managerUID: UInt32
    /// How long an endpoint may take to accept.
    var patience: Duration = .seconds(10)

    /// Makes a tunnel and waits until its first endpoint accepts. When anything fails, there is no tunnel afterwards.
    func protect(_ request: ProtectRequest) async throws(ManagerError) -> ProtectAnswer {
        let subject = try await resolve(try Subject(request.subject))
        let name = try await self.name(request.name, for: subject)
        let draft = try ProtectRequestReading.draft(request, name: name, subject: subject)
        let record = try await establish(draft)
        return ProtectAnswer(
            tunnel: await registry.report(record), notes: TierNotes.fronted(subject) + ruleNotes(draft))
    }

    /// Removes a tunnel; its connections are ended.
    func unprotect(_ name: String) async throws(ManagerError) -> RemovedAnswer {
        let record = try await registry.record(named: name)
        await remove(record.id)
        return RemovedAnswer(removed: record.name.text)
    }

    func remove(_ id: TunnelID) async {
        await registry.remove(id)
        await certificates.tunnelRemoved(id)
    }

    private func ruleNotes(_ draft: TunnelDraft) -> [String] {
        let nobody = accounts.rulesWithoutAccount(in: draft.policy).map {
            "the rule \($0) names nobody on this host: it lets no one in"
        }
        guard draft.policy.needsProgram else { return nobody }
        return nobody + [
            "rules about programs hold in connectors that the manager hosts: dtm connect \(draft.name) --hosted. They narrow "
                + "mistakes and other programs, and do not stop an attacker of the same user."
        ]
    }

    private func resolve(_ subject: Subject) async throws(ManagerError) -> ResolvedSubject {
        var addresses: [IPAddress] = []
        if case .target(let target) = subject { addresses = await resolver.addresses(of: target) }
        let observations: [ApplicationObservation]
        do {
            observations = try await applications.view().processes
        } catch {
            throw ManagerError(.failed, "the processes of this host could not be looked at", cause: error)
        }
        let finder = SubjectResolver(observations: observations, own: await own(), managerUID: managerUID)
        var resolved = try finder.resolve(subject, addresses: addresses)
        if resolved.ownerUID == nil { resolved.ownerUID = await applications.ownerUID(of: resolved.target) }
        return resolved
    }

    private func name(_ wanted: String?, for subject: ResolvedSubject) async throws(ManagerError) -> TunnelName {
        if let wanted {
            guard let name = TunnelName(wanted) else {
                throw ManagerError(
                    .requestInvalid, "\(printable(wanted)) can't be a tunnel's name; allowed are \(TunnelName.rule)")
            }
            return name
        }
        let taken = Set(await registry.names.values)
        guard let name = TunnelNaming.name(for: subject, isTaken: taken.contains) else {
            throw ManagerError(
                .tunnelNameTaken, "no free name was found for \(subject.target)", hint: "give one: --name NAME")
        }
        return name
    }

    func reach(_ target: Target) async throws(ManagerError) -> TargetPlan {
        let destination = try await resolver.destination(of: target)
        if let failure = await probe.probe(destination) {
            throw ManagerError(
                .targetRefused, "nobody answers at \(target): \(failure)",
                hint:
                    "start the application first, or declare the tunnel in config.json, where it may wait for its target"
            )
        }
        return destination
    }

    func firstEndpoint(_ id: TunnelID, _ name: TunnelName) async throws(ManagerError) -> TunnelRecord {
        let registry = registry
        let outcome = await registry.changes.first(within: patience) { () -> TunnelRecord? in
            guard let record = await registry.record(id) else { return nil }
            let isHopeless = record.observed.lastFailure?.step == "bind"
            return record.observed.endpoint != nil || isHopeless ? record : nil
        }
        if let outcome, outcome.observed.endpoint != nil { return outcome }
        let failure = await registry.record(id)?.observed.lastFailure
        throw Self.late(name, failure, after: patience)
    }

    private static func late(_ name: TunnelName, _ failure: RotationFailure?, after patience: Duration) -> ManagerError
    {
        guard let failure else {
            return ManagerError(
                .endpointLate,
                "no endpoint of \(name) accepted within \(Int(patience.inSeconds)) s, so the tunnel was removed",
                hint: "dtm status says whether the data plane runs; dtm events says what it met")
        }
        guard failure.step == "bind" else {
            return ManagerError(
                .endpointLate,
                "no endpoint of \(name) could be opened (\(failure.step): \(failure.reason)), so the tunnel was removed",
                hint: "dtm events says more")
        }
        return ManagerError(
            .rangeBusy, "no port of the range could be opened for \(name): \(failure.reason)",
            hint: "choose another range with --range LOW-HIGH")
    }
}

extension Protection {
    /// Asks for a rotation of the tunnels given and waits until each has moved, or says why it has not.
    func rotate(_ records: [TunnelRecord]) async -> RotateAnswer {
        let wanted = await registry.rotate(records.map(\.id))
        let registry = registry
        _ = await registry.changes.first(within: patience) { () -> Bool? in
            for (id, generation) in wanted {
                guard let record = await registry.record(id) else { continue }
                if !record.hasTurned(to: generation) { return nil }
            }
            return true
        }
        var rotations: [RotateAnswer.Rotation] = []
        for record in records { rotations.append(await outcome(of: record, wanted: wanted[record.id] ?? 0)) }
        return RotateAnswer(rotations: rotations)
    }

    private func outcome(of old: TunnelRecord, wanted: UInt32) async -> RotateAnswer.Rotation {
        let record = await registry.record(old.id)
        let failure: String?
        if let record {
            failure = record.hasMoved(to: wanted) ? nil : record.rotationProblem
        } else {
            failure = "the tunnel was removed meanwhile"
        }
        let turn = record?.observed.turn
        return RotateAnswer.Rotation(
            tunnel: old.name.text, endpoint: record?.observed.endpoint.map(EndpointReport.init),
            epoch: turn?.epoch ?? 0,
            generation: turn?.generation ?? old.generation, failure: failure)
    }
}

extension TunnelRecord {
    /// Whether its live endpoint is of the generation or a later one.
    func hasMoved(to generation: UInt32) -> Bool {
        observed.endpoint != nil && (observed.turn.map { $0.generation >= generation } ?? false)
    }

    /// Whether it has moved, or failed to.
    func hasTurned(to generation: UInt32) -> Bool {
        hasMoved(to: generation) || (observed.lastFailure.map { $0.turn.generation >= generation } ?? false)
    }

    fileprivate var rotationProblem: String {
        if let failure = observed.lastFailure { return "\(failure.step): \(failure.reason)" }
        return problem
            ?? (observed.endpoint == nil ? "it has no endpoint; the data plane may be down" : "no new endpoint in time")
    }
}
