import DTMCertificates
import DTMCore
import DTMPlan
import DTMTunnel
import NIOCore

/// Keeps the certificates of a tunnel fresh.
extension TunnelRuntime {
    func requestCertificate(for subject: CredentialSubject) {
        do {
            let request: [UInt8]
            switch subject {
            case .listener: request = try listenerLeaf.request(now: surroundings.time.now())
            case .probe: request = try probeLeaf.request(now: surroundings.time.now())
            }
            surroundings.reporter.send(.certificateRequest(subject, der: request))
        } catch {
            credentialFailed("no certificate could be asked for: \(error)")
        }
    }

    /// Takes the answer to a request. New handshakes use it at once; connections that are open keep what they have.
    func adopt(chain: [[UInt8]], for subject: CredentialSubject) {
        let expectation: PeerExpectation =
            switch subject {
            case .listener: .listener(identity)
            case .probe: .client(of: id)
            }
        switch surroundings.authenticator.judge(chain: chain, expecting: expectation) {
        case .failure(let rejection):
            credentialFailed("control sent a certificate that is not good: \(PeerRefusal(rejection).message)")
        case .success(let peer):
            adopt(chain, for: subject, renewAt: renewalTime(notAfter: peer.notAfter))
        }
    }

    private func adopt(_ chain: [[UInt8]], for subject: CredentialSubject, renewAt: Timestamp) {
        switch subject {
        case .listener:
            guard listenerLeaf.adopt(chain: chain, renewAt: renewAt) else { return }
            renewServerContext()
        case .probe:
            guard probeLeaf.adopt(chain: chain, renewAt: renewAt) else { return }
            probeContext = probeLeaf.credential.flatMap { try? TunnelTLS.clientContext($0) }
        }
        if server.current.context != nil, probeContext != nil { credentialsAreComplete() }
    }

    /// A context of its own for what follows: tickets of before mean nothing to it (`docs/threat-model.md`, "Session
    /// tickets").
    func renewServerContext() {
        guard let credential = listenerLeaf.credential else { return }
        do {
            let context = try TunnelTLS.serverContext(credential)
            server.update { $0.context = context }
        } catch {
            credentialFailed("the TLS library did not take the certificate: \(error)")
        }
    }

    func renewIfDue() {
        let now = surroundings.time.now()
        if let due = listenerLeaf.renewAt, now >= due { requestCertificate(for: .listener(id)) }
        if let due = probeLeaf.renewAt, now >= due { requestCertificate(for: .probe(id)) }
    }

    /// Between 50 % and 65 % of what is left, so that a third is always left and the tunnels of a manager do not renew
    /// all at once.
    private func renewalTime(notAfter: Timestamp) -> Timestamp {
        let now = surroundings.time.now()
        let left = max(0, (notAfter - now).wholeMilliseconds)
        return now + .milliseconds(left * Int64.random(in: 500...650) / 1_000)
    }

    private func credentialFailed(_ reason: String) { reportFailure(.credential, reason) }

    /// Reports a failure that is not the machine's.
    func reportFailure(_ step: RotationStep, _ reason: String) {
        let turn = ScheduleTurn(epoch: schedule.epoch(at: surroundings.time.now()), generation: plan.generation)
        surroundings.reporter.send(
            .rotationFailed(RotationFailure(tunnel: id, turn: turn, step: step.rawValue, reason: reason)))
    }
}
