import DTMCertificates
import DTMCore
import DTMPlan

/// The authority in memory and what it issued.
///
/// Its life: construct, which makes the authority → issue, revoke, replace on demand, ``advance()`` on a timer → drop
/// it: the keys are wiped. Who changes trust passes ``snapshot`` on to the registry, which puts it into the plan.
actor CertificateService {
    private(set) var authorities: AuthoritySet
    var ledger = CertificateLedger()
    private(set) var revocations = RevocationList()
    private var issuedCount: [CredentialSubject: UInt64] = [:]
    private var revision: UInt64 = 1
    let clock: any TimeSource
    let recorder: EventRecorder

    /// What ``snapshot`` is before anything has changed; for whoever is constructed at the same time.
    nonisolated let initialSnapshot: TrustSnapshot

    init(policy: AuthorityPolicy, clock: any TimeSource, recorder: EventRecorder) throws(CertificatesError) {
        self.clock = clock
        self.recorder = recorder
        let authorities = try AuthoritySet(policy: policy, trustDomain: Authority.randomTrustDomain(), now: clock.now())
        self.authorities = authorities
        initialSnapshot = TrustSnapshot(
            revision: 1, trustDomain: authorities.trustDomain, bundle: authorities.trustBundle)
        recorder.record(
            Event.Kind.authorityCreated, .notice,
            [
                "serial": .string(authorities.issuing.serial.description),
                "notAfter": .string(authorities.issuing.notAfter.rfc3339),
            ])
    }

    /// Goes on with authorities and revocations that were kept.
    init(
        restoring record: AuthoritySetRecord, revocations kept: RevocationRecord, policy: AuthorityPolicy,
        clock: any TimeSource, recorder: EventRecorder
    ) throws(CertificatesError) {
        self.clock = clock
        self.recorder = recorder
        var authorities = try AuthoritySet(restoring: record, policy: policy)
        var revocations = try RevocationList(kept)
        let now = clock.now()
        revocations.prune(now: now)
        // After a long pause the authority may have to be replaced before it issues anything.
        let changes = try authorities.advance(now: now)
        self.authorities = authorities
        self.revocations = revocations
        initialSnapshot = TrustSnapshot(
            revision: 1, trustDomain: authorities.trustDomain, bundle: authorities.trustBundle,
            revokedSerials: revocations.serials, revokedIdentities: revocations.identities)
        for case .issuing(let serial) in changes {
            recorder.record(Event.Kind.authorityRotated, .notice, ["serial": .string(serial.description)])
        }
    }

    /// What has to be kept.
    func kept() -> (AuthoritySetRecord, RevocationRecord) {
        (authorities.record(), revocations.record)
    }

    /// Whom peers shall trust now. Of two snapshots the one with the higher revision is the later.
    var snapshot: TrustSnapshot {
        TrustSnapshot(
            revision: revision, trustDomain: authorities.trustDomain, bundle: authorities.trustBundle,
            revokedSerials: revocations.serials, revokedIdentities: revocations.identities)
    }

    /// Does what is due with the authority.
    ///
    /// - Returns: Whether trust changed.
    func advance() throws(CertificatesError) -> Bool {
        note(try authorities.advance(now: clock.now()))
    }

    /// Answers a request of the data plane.
    func issue(_ request: [UInt8], to subject: CredentialSubject) throws(ManagerError) -> IssuedCredential {
        let (tunnel, identity) = identity(of: subject)
        guard let identity else {
            throw ManagerError(.failed, "the tunnel \(tunnel) has no identity in this trust domain")
        }
        let leaf: IssuedLeaf
        do {
            leaf = try issue(request, identity: identity, isProbe: subject.isProbe)
        } catch {
            throw ManagerError(.certificateRequestInvalid, error.message, hint: error.hint)
        }
        let count = issuedCount[subject, default: 0] + 1
        issuedCount[subject] = count
        return IssuedCredential(
            chain: leaf.chain, tunnel: tunnel,
            figures: CertificateFigures(
                serial: leaf.serial, notBefore: leaf.notBefore, notAfter: leaf.notAfter, renewals: count - 1))
    }

    /// Gives a connector an identity for one tunnel.
    ///
    /// - Parameter who: The last part of the SPIFFE ID.
    /// - Throws: `identity.revoked`, `certificate.request_invalid`.
    func issue(_ request: [UInt8], toClientOf tunnel: TunnelID, who: String) throws(ManagerError) -> IssuedLeaf {
        guard let identity = SPIFFEID.client(of: tunnel, who: who, in: authorities.trustDomain) else {
            throw ManagerError(.requestInvalid, "\(printable(who)) can't be part of an identity")
        }
        guard !revocations.contains(identity) else {
            throw ManagerError(
                .identityRevoked, "the identity \(identity) is revoked",
                hint: "start the connector anew if that was not meant for you; dtm events says who revoked it")
        }
        do {
            return try issue(request, identity: identity, isProbe: false)
        } catch {
            throw ManagerError(.certificateRequestInvalid, error.message, hint: error.hint)
        }
    }

    /// The serial numbers of the data plane's leaves for the tunnels.
    func serials(of tunnels: Set<TunnelID>) -> Set<SerialNumber> {
        Set(ledger.entries.filter { tunnels.contains($0.tunnel) && $0.role != .client }.map(\.serial))
    }

    /// Forgets what belonged to a tunnel that is gone.
    func tunnelRemoved(_ id: TunnelID) {
        issuedCount[.listener(id)] = nil
        issuedCount[.probe(id)] = nil
    }

    /// Replaces the authority. In order, nobody notices; at once, all leaves are void.
    /// - Returns: Whether another authority came of it; one that was published before and waits for its turn stays the
    ///   successor.
    @discardableResult
    func replaceAuthority(_ replacement: AuthoritySet.Replacement) throws(CertificatesError) -> Bool {
        note(try authorities.replace(replacement, now: clock.now()))
    }

    func revoke(serial: SerialNumber, notAfter: Timestamp) throws(CertificatesError) {
        try revocations.revoke(serial, notAfter: notAfter, now: clock.now())
        revision += 1
    }

    func revoke(identity: SPIFFEID) throws(CertificatesError) {
        try revocations.revoke(identity, now: clock.now())
        revision += 1
    }

    private func issue(_ request: [UInt8], identity: SPIFFEID, isProbe: Bool) throws(CertificatesError) -> IssuedLeaf {
        let now = clock.now()
        let leaf = try authorities.issue(request: request, identity: identity, now: now)
        ledger.record(.init(leaf, isProbe: isProbe), now: now)
        return leaf
    }

    private func identity(of subject: CredentialSubject) -> (TunnelID, SPIFFEID?) {
        switch subject {
        case .listener(let id): (id, .tunnel(id, in: authorities.trustDomain))
        case .probe(let id): (id, .client(of: id, who: "probe", in: authorities.trustDomain))
        }
    }

    @discardableResult
    private func note(_ changes: [AuthoritySet.Change]) -> Bool {
        for change in changes {
            if case .issuing(let serial) = change {
                recorder.record(Event.Kind.authorityRotated, .notice, ["serial": .string(serial.description)])
            }
        }
        if !changes.isEmpty { revision += 1 }
        return !changes.isEmpty
    }
}

/// What the data plane gets for a request, and what the registry shows of it.
struct IssuedCredential: Sendable {
    let chain: [[UInt8]]
    let tunnel: TunnelID
    let figures: CertificateFigures
}

extension CredentialSubject {
    var isProbe: Bool {
        if case .probe = self { true } else { false }
    }
}
