import DTMCore
import NIOCore

/// From the admission to the relay, or to the answer that there is none.
extension ServerSession {
    func dial(_ context: ChannelHandlerContext) {
        server.dialer.dial(settings.target, on: context.eventLoop, timeout: settings.connectTimeout)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel): self.connected(channel)
                case .failure(let error): self.targetFailed(error)
                }
            }
    }

    func connected(_ target: any Channel) {
        guard phase == .dialling, let context else {
            target.close(promise: nil)
            return
        }
        if server.traffic.targetAnswered(true) {
            report(.targetReachable, "the target answers again")
        }
        let relay = RelayHandler.pair(monitor: self)
        do {
            try target.pipeline.syncOperations.addHandlers([TransportHandler(), relay.plain])
            try context.pipeline.syncOperations.addHandler(relay.tunnel, position: .after(self))
        } catch {
            target.close(promise: nil)
            abort()
            return
        }
        begin(context, target, relay.tunnel, relay.plain)
    }

    func begin(
        _ context: ChannelHandlerContext, _ target: any Channel, _ tunnelSide: RelayHandler, _ plainSide: RelayHandler
    ) {
        phase = .relaying
        activeTick = table.tick
        relay = tunnelSide
        if settings.proxyProtocol, let peer {
            let header = ProxyProtocol.header(
                source: remote, destination: listener.endpoint, identity: peer.identity.description)
            target.writeAndFlush(header, promise: nil)
        }
        write(context, .accepted)
        tellBeginning(target)
        let channel = context.channel
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
        forwardEarly(to: channel, tunnelSide)
        if !earlyEnd { tunnelSide.start() }
        plainSide.start()
    }

    func tellBeginning(_ target: any Channel) {
        server.observer.flowBegan(
            FlowStart(
                tunnel: server.id, connection: id, identity: peer?.identity.description ?? "",
                startedAt: server.time.now(), peer: remote, local: listener.endpoint, owner: owner,
                targetSide: Endpoint(target.localAddress)))
    }

    func forwardEarly(to channel: any Channel, _ tunnelSide: RelayHandler) {
        guard !early.isEmpty || earlyEnd else { return }
        tunnelSide.deliver(early, ended: earlyEnd)
        early = []
    }

    func targetFailed(_ error: any Error) {
        guard phase == .dialling, let context else { return }
        phase = .ended
        server.traffic.release()
        server.traffic.didFail()
        if server.traffic.targetAnswered(false) {
            report(.targetUnreachable, "the target can't be reached: \(HandshakeFailure.describeTransport(error))")
        }
        answer(context, .refused(.target, reason: "the target can't be reached"))
    }

    // MARK: Answers

    func refuse(_ context: ChannelHandlerContext, _ refusal: StatusFrame.Refusal, _ reason: String) {
        server.traffic.didReject()
        answer(context, .refused(refusal, reason: reason))
    }

    /// Says it, and closes properly so that it arrives.
    func answer(_ context: ChannelHandlerContext, _ frame: StatusFrame) {
        phase = .ended
        startedTick = table.tick
        write(context, frame)
        context.close(mode: .output, promise: nil)
        context.read()
    }

    func write(_ context: ChannelHandlerContext, _ frame: StatusFrame) {
        var buffer = context.channel.allocator.buffer(capacity: 16)
        frame.write(to: &buffer)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func handshakeFailed(_ failure: HandshakeFailure) {
        guard phase == .handshaking else { return }
        phase = .ended
        guard !evicted, cutEnding == nil else { return }
        server.traffic.didReject()
        guard touch == .none else { return reportTouch(failure.reason, failure.cause) }
        report(check.refusesIdentity ? .identityRefused : .handshakeFailed, failure.reason, failure.cause)
    }

    func report(_ kind: Incident.Kind, _ reason: String, _ cause: Incident.Cause? = nil) {
        server.observer.incident(
            Incident(
                tunnel: server.id, kind: kind, at: server.time.now(), peer: remote,
                local: listener.endpoint, identity: peer?.identity.description, reason: reason, cause: cause,
                owner: owner, sent: isAuthenticated ? nil : firstBytes.sent))
    }

    func abort() { context?.triggerUserOutboundEvent(TransportHandler.Request.abort, promise: nil) }
}
