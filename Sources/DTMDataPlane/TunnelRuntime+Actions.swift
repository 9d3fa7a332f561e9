import DTMCore
import DTMPlan
import DTMSecrets
import DTMTunnel
import Glibc
import NIOCore

/// Carries out what the rotation machine decides.
extension TunnelRuntime {
    /// How long a handshake through a new listener may take.
    private static let probeTimeout = TimeAmount.seconds(3)

    func perform(_ action: RotationMachine.Action) {
        switch action {
        case .open(let token, let turn, let candidate): open(token, turn, candidate)
        case .handshake(let token): handshake(token)
        case .setRole(let token, let role): setRole(token, role)
        case .flip(let flip): publish(flip)
        case .close(let token): close(token)
        case .reportFailure(let turn, let step, let reason):
            surroundings.reporter.send(
                .rotationFailed(RotationFailure(tunnel: id, turn: turn, step: step.rawValue, reason: reason)))
        }
    }

    // MARK: Opening

    private func open(_ token: ListenerToken, _ turn: ScheduleTurn, _ candidate: UInt32) {
        guard listenerLeaf.credential != nil, probeContext != nil else {
            drive(.openFailed(token, .credentialMissing))
            return
        }
        let window = schedule.window(of: turn.epoch)
        guard let key = windowKeys[window] else {
            want(window)
            drive(.openFailed(token, .keyMissing))
            return
        }
        guard let endpoint = schedule.candidate(Int(candidate), turn: turn, windowKey: key.bytes) else {
            drive(.openFailed(token, .exhausted))
            return
        }
        reserve(token, endpoint, candidate)
    }

    private func reserve(_ token: ListenerToken, _ endpoint: Endpoint, _ candidate: UInt32) {
        switch surroundings.reservations.reserve(endpoint, for: id) {
        case .granted: bind(token, endpoint, candidate)
        case .refused: drive(.openFailed(token, .reserved))
        case .ownDecoy:
            guard let listener = takeDecoy(at: endpoint) else {
                // It is on its way, or closes: the next candidate is as good.
                drive(.openFailed(token, .reserved))
                return
            }
            opened(token, listener, candidate)
        case .foreignDecoy(let giveBack):
            giveBack().hop(to: loop).assumeIsolated().whenComplete { _ in
                // Somebody else may have been faster.
                guard case .granted = self.surroundings.reservations.reserve(endpoint, for: self.id) else {
                    self.drive(.openFailed(token, .reserved))
                    return
                }
                self.bind(token, endpoint, candidate)
            }
        }
    }

    private func bind(_ token: ListenerToken, _ endpoint: Endpoint, _ candidate: UInt32) {
        TunnelListener.open(
            endpoint, for: server, sessions: surroundings.sessions, group: surroundings.group, on: loop
        )
        .assumeIsolated()
        .whenComplete { result in
            switch result {
            case .success(let listener): self.opened(token, listener.value, candidate)
            case .failure(let error): self.openFailed(token, endpoint, error)
            }
        }
    }

    private func opened(_ token: ListenerToken, _ listener: TunnelListener, _ candidate: UInt32) {
        listeners[token] = listener
        listener.closed.assumeIsolated().whenComplete { _ in self.closed(token, listener.endpoint) }
        drive(.opened(token, listener.endpoint, candidate: candidate))
        if isStopped { close(token) }
        reportListeners()
    }

    /// Unless it was we who closed it, the system did.
    private func closed(_ token: ListenerToken, _ endpoint: Endpoint) {
        surroundings.reservations.release(endpoint)
        guard listeners.removeValue(forKey: token) != nil else { return }
        drive(.lost(token, reason: "the listener at \(endpoint) has failed"))
        reportListeners()
    }

    private func openFailed(_ token: ListenerToken, _ endpoint: Endpoint, _ error: any Error) {
        surroundings.reservations.release(endpoint)
        let error = error as? TunnelError
        guard let code = (error?.cause as? IOError)?.errnoCode, code == EADDRINUSE || code == EACCES else {
            drive(.openFailed(token, .system(error?.message ?? "can't listen on \(endpoint)")))
            return
        }
        surroundings.reporter.incident(
            Incident(
                tunnel: id, kind: .endpointTaken, at: surroundings.time.now(), local: endpoint,
                reason: "another program holds the endpoint; the schedule's next candidate is used"))
        drive(.openFailed(token, .taken))
    }

    private func want(_ window: UInt64) {
        guard wantedWindows.insert(window).inserted else { return }
        surroundings.reporter.send(.windowKeyWanted(tunnel: id, window: window))
    }

    // MARK: Handshake

    private func handshake(_ token: ListenerToken) {
        guard let listener = listeners[token], let context = probeContext else {
            drive(.handshakeFailed(token, reason: "there is no certificate for the handshake"))
            return
        }
        let began = surroundings.time.now()
        EndpointProbe.run(
            listener.endpoint, context: context, authenticator: surroundings.authenticator, identity: identity,
            timeout: Self.probeTimeout, on: loop
        )
        .assumeIsolated()
        .whenComplete { result in
            switch result {
            case .success:
                self.handshakeMicroseconds[token] = self.microseconds(since: began)
                self.drive(.handshakeSucceeded(token))
            case .failure(let error):
                let reason = (error as? TunnelError)?.message ?? "the handshake through the new listener failed"
                self.drive(.handshakeFailed(token, reason: reason))
            }
        }
    }

    private func microseconds(since moment: Timestamp) -> UInt32 {
        UInt32(clamping: (surroundings.time.now() - moment).wholeNanoseconds / 1_000)
    }

    // MARK: Roles

    private func setRole(_ token: ListenerToken, _ role: ListenerRole) {
        listeners[token]?.role = role
        if role != .live { reportListeners() }
    }

    private func publish(_ flip: RotationMachine.Flip) {
        renewServerContext()
        server.update { $0.currentEndpoints = [flip.endpoint] }
        surroundings.reporter.send(
            .rotated(
                RotationReport(
                    tunnel: id, turn: flip.turn, endpoint: flip.endpoint, candidate: flip.candidate,
                    previous: flip.previous?.endpoint, nextAt: flip.nextAt,
                    switchMicroseconds: microseconds(since: flip.decidedAt),
                    handshakeMicroseconds: handshakeMicroseconds[flip.token] ?? 0)))
        reportListeners()
    }

    private func close(_ token: ListenerToken) {
        handshakeMicroseconds[token] = nil
        guard let listener = listeners.removeValue(forKey: token) else { return }
        listener.role = .decoy
        _ = listener.close()
        reportListeners()
    }

    private func reportListeners() {
        let reports = machine.listeners.map { ListenerReport(endpoint: $0.endpoint, role: $0.role) }
        surroundings.reporter.send(.listeners(tunnel: id, reports))
    }
}
