import DTMAPI
import DTMCertificates
import DTMCore
import DTMPlan
import Hummingbird

/// `/v1/certificates`: list, rotate, revoke; for who may steer.
struct CertificateRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("certificates") { _, context in
            try parts.requireSteering(try context.caller)
            return try APIResponse.json(await parts.certificates.list(names: await parts.registry.names))
        }
        group.post("certificates/rotate") { request, context in
            try parts.requireSteering(try context.caller)
            let wanted = try await APIRequest.body(CertificateRotateRequest.self, of: request)
            return try APIResponse.json(
                wanted.authority ? try await rotateAuthority() : try await rotateLeaves(wanted.tunnel))
        }
        group.post("certificates/revoke") { request, context in
            let caller = try context.caller
            try parts.requireSteering(caller)
            let wanted = try await APIRequest.body(CertificateRevokeRequest.self, of: request)
            return try APIResponse.json(try await revoke(wanted.subject, by: caller))
        }
    }

    private func rotateAuthority() async throws -> CertificateChangeAnswer {
        let isNew = try await parts.certificates.replaceAuthority(.orderly)
        await parts.publishTrust()
        return CertificateChangeAnswer(
            certificates: await parts.certificates.authorityReports,
            notes: [
                isNew
                    ? "the new authority is published now and issues as soon as every peer knows it; no connection is cut"
                    : "a new authority was published before and has not begun to issue: it goes on to do so, and no "
                        + "further one is made"
            ])
    }

    private func rotateLeaves(_ tunnel: String?) async throws -> CertificateChangeAnswer {
        let records =
            if let tunnel { [try await parts.registry.record(named: tunnel)] } else { await parts.registry.records }
        let ids = Set(records.map(\.id))
        let certificates = parts.certificates
        let before = await certificates.serials(of: ids)
        await parts.registry.renewLeaves(of: ids)
        let done = await parts.supervisor.changes.first(within: .seconds(5)) { () -> Bool? in
            // A listener's and a probe's for each.
            await certificates.serials(of: ids).subtracting(before).count >= ids.count * 2 ? true : nil
        }
        let entries = await certificates.entries(of: ids, names: await parts.registry.names)
        return CertificateChangeAnswer(
            certificates: entries.filter { entry in !before.contains { $0.description == entry.serial } },
            notes: done == true
                ? [] : ["not every tunnel has asked for its new certificate yet; dtm certs list shows when"])
    }

    private func revoke(_ subject: String, by caller: LocalCaller) async throws -> CertificateChangeAnswer {
        let revocation = try await parts.certificates.revoke(subject, names: await parts.registry.names)
        // First who is trusted, which cuts live connections; then new keys, so that the endpoints known to him are
        // nobody's.
        await parts.publishTrust()
        try await parts.registry.rekey(revocation.tunnels)
        let names = await parts.registry.names
        parts.recorder.record(
            Event.Kind.certificateRevoked, .warning, tunnel: revocation.tunnels.first.flatMap { names[$0] },
            identity: revocation.identity,
            ["subject": .string(subject), "uid": .integer(Int64(caller.uid))])
        return CertificateChangeAnswer(
            certificates: revocation.certificates,
            notes: ["live connections under it are cut, and the tunnel's endpoints follow new keys from now on"])
    }
}
