import DTMCore
import NIOCore

/// What ends a session: limits, cuts, and the relay's own end.
extension ServerSession {
    /// Makes room for another peer in the middle of a handshake.
    func giveWay() {
        guard phase == .handshaking else {
            abort()
            return
        }
        server.traffic.didReject()
        if touch == .open { reportTouch("it gave way to others in the middle of the handshake") }
        report(.limitReached, "too many peers in the middle of a handshake; the oldest gave way")
        evicted = true
        abort()
    }

    /// Ends the session at once; `ending` goes into its record.
    func cut(_ ending: FlowRecord.Ending) {
        guard cutEnding == nil else { return }
        cutEnding = ending
        if ending == .revoked, phase == .relaying {
            report(.connectionCut, "the identity or its certificate was revoked")
        }
        if let relay { relay.abort() } else { abort() }
    }

    /// Called about once a second.
    func sweep(tick: Int64) {
        let age = TimeAmount.seconds(tick - startedTick)
        switch phase {
        case .handshaking:
            guard age > settings.handshakeTimeout else { return }
            handshakeFailed(
                HandshakeFailure(
                    "no handshake within \(settings.handshakeTimeout.nanoseconds / 1_000_000) ms", .timeout))
            abort()
        case .ended:
            if age > settings.handshakeTimeout + .seconds(5) { abort() }
        case .dialling: break
        case .relaying:
            if let limit = settings.idleTimeout, .seconds(tick - activeTick) > limit { cut(.idleTimeout) }
            if let limit = settings.maximumAge, age > limit { cut(.maximumAge) }
        }
    }

    // MARK: Relay

    func relay(moved bytes: Int, from side: RelaySide) {
        activeTick = table.tick
        let count = UInt64(bytes)
        switch side {
        case .tunnel:
            bytesIn &+= count
            server.traffic.didMove(in: count)
        case .plain:
            bytesOut &+= count
            server.traffic.didMove(out: count)
        }
    }

    func relayEnded(broken: RelaySide?) {
        guard phase == .relaying else { return }
        let ending: FlowRecord.Ending =
            switch broken {
            case _ where cutEnding != nil: cutEnding ?? .shutdown
            case nil: .finished
            case .tunnel: .clientBroke
            case .plain: .targetBroke
            }
        server.observer.flowEnded(
            FlowRecord(
                tunnel: server.id, connection: id, identity: peer?.identity.description ?? "", startedAt: startedAt,
                endedAt: server.time.now(), bytesIn: bytesIn, bytesOut: bytesOut, ending: ending,
                owner: owner))
        server.traffic.release()
        phase = .ended
        relay = nil
        leave()
    }

    func leave() {
        guard !hasLeft else { return }
        hasLeft = true
        if phase == .dialling { server.traffic.release() }
        phase = .ended
        table.remove(id, wasAuthenticated: isAuthenticated)
    }
}
