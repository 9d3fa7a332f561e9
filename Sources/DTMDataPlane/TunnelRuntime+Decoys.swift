import DTMCore
import DTMPlan
import DTMTunnel
import Glibc
import NIOCore

/// Carries out what the field of decoys decides.
extension TunnelRuntime {
    func perform(_ action: DecoyField.Action) {
        switch action {
        case .open(let token, let endpoint): openDecoy(token, endpoint)
        case .close(let token): closeDecoy(token)
        }
    }

    private func openDecoy(_ token: DecoyToken, _ endpoint: Endpoint) {
        let isSentinel =
            schedule.parameters.addressMode == .hop && endpoint.address == EndpointSchedule.firstLoopbackAddress
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        let isFree = surroundings.reservations.reserveDecoy(endpoint, for: id, isSentinel: isSentinel) {
            loop.flatSubmit { bound.value.giveBack(endpoint) }
        }
        guard isFree else { return driveDecoys(.openFailed(token, .taken)) }
        TunnelListener.open(
            endpoint, for: server, sessions: surroundings.sessions, group: surroundings.group, on: loop
        )
        .assumeIsolated()
        .whenComplete { result in
            switch result {
            case .success(let listener): self.openedDecoy(token, listener.value)
            case .failure(let error): self.decoyFailed(token, endpoint, error)
            }
        }
    }

    private func openedDecoy(_ token: DecoyToken, _ listener: TunnelListener) {
        decoyListeners[token] = listener
        decoyTokens[listener.endpoint] = token
        listener.closed.assumeIsolated().whenComplete { _ in self.decoyClosed(token, listener.endpoint) }
        driveDecoys(.opened(token))
        if isStopped { closeDecoy(token) }
    }

    /// A program that has the endpoint is let alone, and nobody needs to know.
    private func decoyFailed(_ token: DecoyToken, _ endpoint: Endpoint, _ error: any Error) {
        surroundings.reservations.release(endpoint)
        let code = ((error as? TunnelError)?.cause as? IOError)?.errnoCode
        driveDecoys(.openFailed(token, code == EADDRINUSE || code == EACCES ? .taken : .system))
    }

    private func closeDecoy(_ token: DecoyToken) {
        guard let listener = decoyListeners.removeValue(forKey: token) else { return }
        decoyTokens[listener.endpoint] = nil
        _ = listener.close()
    }

    /// Unless the rotation has taken it over.
    private func decoyClosed(_ token: DecoyToken, _ endpoint: Endpoint) {
        guard !promotedDecoys.contains(token) else {
            promotedDecoys.remove(token)
            return
        }
        surroundings.reservations.release(endpoint)
        guard decoyListeners.removeValue(forKey: token) != nil else { return }
        decoyTokens[endpoint] = nil
        driveDecoys(.gone(token))
    }

    /// The schedule has come to where a decoy of this tunnel is: it becomes a listener of the rotation.
    func takeDecoy(at endpoint: Endpoint) -> TunnelListener? {
        guard let token = decoyTokens.removeValue(forKey: endpoint),
            let listener = decoyListeners.removeValue(forKey: token)
        else { return nil }
        promotedDecoys.insert(token)
        surroundings.reservations.promote(endpoint)
        driveDecoys(.gone(token))
        return listener
    }

    /// The schedule of another tunnel has come to where a decoy of this one is.
    private func giveBack(_ endpoint: Endpoint) -> EventLoopFuture<Void> {
        guard let token = decoyTokens.removeValue(forKey: endpoint),
            let listener = decoyListeners.removeValue(forKey: token)
        else { return loop.makeSucceededVoidFuture() }
        driveDecoys(.gone(token))
        return listener.close()
    }
}
