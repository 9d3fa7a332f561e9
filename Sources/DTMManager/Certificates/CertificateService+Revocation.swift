import DTMAPI
import DTMCertificates
import DTMCore

/// What a revocation hit.
struct Revocation: Sendable {
    /// The certificates, as the API shows them.
    var certificates: [CertificateList.Entry]
    /// The tunnels whose schedule the revoked one knew.
    var tunnels: Set<TunnelID>
    /// The identity, when one was revoked and not a single certificate.
    var identity: SPIFFEID?
}

extension CertificateService {
    /// Revokes a certificate by its serial number, or an identity by its SPIFFE ID.
    ///
    /// - Throws: `certificate.unknown` when nothing like it was issued, or when it is an authority or a listener.
    func revoke(_ subject: String, names: [TunnelID: TunnelName]) throws(ManagerError) -> Revocation {
        do {
            if let identity = SPIFFEID(subject) { return try revokeIdentity(identity, names) }
            if let serial = SerialNumber(subject) { return try revokeSerial(serial, names) }
        } catch let error as CertificatesError {
            throw ManagerError(.failed, error.message, hint: error.hint)
        } catch let error as ManagerError {
            throw error
        } catch {
            throw ManagerError(.failed, "the revocation failed", cause: error)
        }
        throw ManagerError(
            .requestInvalid, "\(printable(subject)) is neither a serial number (hexadecimal digits) nor a SPIFFE ID",
            hint: "dtm certs list shows both")
    }

    private func revokeIdentity(_ identity: SPIFFEID, _ names: [TunnelID: TunnelName]) throws -> Revocation {
        guard let tunnel = identity.clientTunnel, identity.trustDomain == authorities.trustDomain else {
            throw ManagerError(
                .certificateUnknown, "\(identity) is not a client of a tunnel of this manager",
                hint:
                    "only clients can be revoked: dtm certs list; an authority or a listener is replaced with dtm certs rotate"
            )
        }
        try revoke(identity: identity)
        let entries = ledger.entries(of: identity)
        return Revocation(certificates: entries.map { report($0, names) }, tunnels: [tunnel], identity: identity)
    }

    private func revokeSerial(_ serial: SerialNumber, _ names: [TunnelID: TunnelName]) throws -> Revocation {
        guard let entry = ledger.entry(serial) else {
            throw ManagerError(
                .certificateUnknown, "no leaf certificate with the serial number \(serial) is known",
                hint: "dtm certs list shows those that are; an authority is replaced with dtm certs rotate --authority")
        }
        try revoke(serial: serial, notAfter: entry.notAfter)
        return Revocation(certificates: [report(entry, names)], tunnels: [entry.tunnel], identity: nil)
    }
}

extension CertificateService {
    /// `dtm certs list`.
    func list(names: [TunnelID: TunnelName]) -> CertificateList {
        ledger.prune(now: clock.now())
        return CertificateList(
            trustDomain: authorities.trustDomain,
            certificates: authorityReports + ledger.entries.map { report($0, names) })
    }

    /// The data plane's leaves for the tunnels, as the API shows them.
    func entries(of tunnels: Set<TunnelID>, names: [TunnelID: TunnelName]) -> [CertificateList.Entry] {
        ledger.entries.filter { tunnels.contains($0.tunnel) && $0.role != .client }.map { report($0, names) }
    }

    var authorityReports: [CertificateList.Entry] {
        let issuing = authorities.issuing
        let retiring = authorities.retiring.map { retired in
            authority(retired.serial, retired.notBefore, retired.notAfter, "retiring")
        }
        let successor = authorities.successor.map { next in
            authority(next.authority.serial, next.authority.notBefore, next.authority.notAfter, "valid")
        }
        return [authority(issuing.serial, issuing.notBefore, issuing.notAfter, "valid")]
            + [successor].compactMap(\.self)
            + retiring
    }

    private func authority(
        _ serial: SerialNumber, _ notBefore: Timestamp, _ notAfter: Timestamp, _ status: String
    ) -> CertificateList.Entry {
        CertificateList.Entry(
            serial: serial.description, identity: "spiffe://\(authorities.trustDomain)", role: "authority", tunnel: nil,
            notBefore: notBefore.rfc3339, notAfter: notAfter.rfc3339, status: status)
    }

    private func report(_ entry: CertificateLedger.Entry, _ names: [TunnelID: TunnelName]) -> CertificateList.Entry {
        CertificateList.Entry(
            serial: entry.serial.description, identity: entry.identity.description, role: entry.role.rawValue,
            tunnel: names[entry.tunnel]?.text, notBefore: entry.notBefore.rfc3339, notAfter: entry.notAfter.rfc3339,
            status: CertificateLedger.status(of: entry, revocations: revocations, now: clock.now()).rawValue)
    }
}
