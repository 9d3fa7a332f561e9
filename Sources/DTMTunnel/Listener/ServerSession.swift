import DTMCore
import NIOCore
import NIOSSL
import NIOTLS

/// One connection at a listener, from its acceptance to its end.
///
/// Phases: handshaking → dialling the target → relaying → ended. It sits in the pipeline behind TLS until the relay
/// takes its place. Belongs to the event loop of its channel.
final class ServerSession: ChannelInboundHandler, RemovableChannelHandler, RelayMonitor {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase { case handshaking, dialling, relaying, ended }

    let server: TunnelServer
    private let listener: ListenerState
    private let table: SessionTable
    private let settings: TunnelServer.Settings
    private let check: PeerCheck
    private var phase = Phase.handshaking
    private var context: ChannelHandlerContext?
    /// The peer's address, which a closed channel does not know any more.
    private var remote: Endpoint?
    private var relay: RelayHandler?
    private var id: UInt64 = 0
    private var startedAt = Timestamp(nanoseconds: 0)
    /// When the present phase's time began to run.
    private var startedTick: Int64 = 0
    private var activeTick: Int64 = 0
    private var bytesIn: UInt64 = 0
    private var bytesOut: UInt64 = 0
    private var cutEnding: FlowRecord.Ending?
    private var evicted = false
    /// What a client sent before it was told that it may: kept for the target, and no more is read meanwhile.
    private var early: [ByteBuffer] = []
    private var earlyEnd = false

    /// Nil until the handshake is complete.
    private(set) var peer: AuthenticatedPeer?
    /// The peer as soon as its certificate was judged: what a revocation must look at, or it could be outwaited by
    /// holding the handshake's last message back.
    var candidate: AuthenticatedPeer? { peer ?? check.candidate }
    var isAuthenticated: Bool { peer != nil }

    init(server: TunnelServer, listener: ListenerState, table: SessionTable, settings: TunnelServer.Settings) {
        self.server = server
        self.listener = listener
        self.table = table
        self.settings = settings
        check = PeerCheck(authenticator: settings.authenticator, expectation: .client(of: server.id))
    }

    func tlsHandler(_ context: NIOSSLContext) -> NIOSSLServerHandler { check.serverHandler(context) }

    // MARK: Handshake

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        remote = Endpoint(context.remoteAddress)
        startedAt = server.time.now()
        startedTick = table.tick
        activeTick = startedTick
        id = table.insert(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        if phase != .relaying { leave() }
    }

    func channelActive(context: ChannelHandlerContext) {
        context.read()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if phase != .ended { early.append(unwrapInboundIn(data)) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // After the answer, what still comes is thrown away until the peer closes: closing over unread bytes would
        // reset the connection, and the answer might be lost.
        if phase == .ended { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            handshakeCompleted(context, negotiated)
        } else if case .inputClosed? = event as? ChannelEvent {
            earlyEnd = true
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard phase == .handshaking else {
            abort()
            return
        }
        handshakeFailed(HandshakeFailure.describe(error, verdict: check.verdict))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if phase == .handshaking { handshakeFailed("the peer went away in the middle of the handshake") }
        leave()
        context.fireChannelInactive()
    }

    private func handshakeCompleted(_ context: ChannelHandlerContext, _ negotiated: String?) {
        guard phase == .handshaking else { return }
        // No verdict: a session resumed from a ticket, which never showed its certificate.
        guard case .success(let peer)? = check.verdict else {
            handshakeFailed("the session was resumed, without a certificate")
            abort()
            return
        }
        guard negotiated == TunnelTLS.applicationProtocol else {
            handshakeFailed("the peer does not speak \(TunnelTLS.applicationProtocol)")
            abort()
            return
        }
        self.peer = peer
        table.didAuthenticate()
        admit(context, peer)
    }

    private func admit(_ context: ChannelHandlerContext, _ peer: AuthenticatedPeer) {
        let isProbe = peer.identity == server.probeIdentity
        guard !isProbe, listener.role != .decoy else {
            answer(context, .moved(server.current.currentEndpoints))
            return
        }
        guard !settings.isDraining else {
            refuse(context, .draining, "the tunnel is shutting down")
            return
        }
        guard server.traffic.admit(limit: settings.maximumConnections) else {
            refuse(context, .limit, "the tunnel has its \(settings.maximumConnections) connections")
            report(.limitReached, "the tunnel has its \(settings.maximumConnections) connections")
            return
        }
        phase = .dialling
        dial(context)
    }

    // MARK: Target

    private func dial(_ context: ChannelHandlerContext) {
        server.dialer.dial(settings.target, on: context.eventLoop, timeout: settings.connectTimeout)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel): self.connected(channel)
                case .failure(let error): self.targetFailed(error)
                }
            }
    }

    private func connected(_ target: any Channel) {
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

    private func begin(
        _ context: ChannelHandlerContext, _ target: any Channel, _ tunnelSide: RelayHandler, _ plainSide: RelayHandler
    ) {
        phase = .relaying
        relay = tunnelSide
        if settings.proxyProtocol, let peer {
            let header = ProxyProtocol.header(
                source: remote, destination: listener.endpoint, identity: peer.identity.description)
            target.writeAndFlush(header, promise: nil)
        }
        write(context, .accepted)
        let channel = context.channel
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
        forwardEarly(to: channel, tunnelSide)
        if !earlyEnd { tunnelSide.start() }
        plainSide.start()
    }

    private func forwardEarly(to channel: any Channel, _ tunnelSide: RelayHandler) {
        guard !early.isEmpty || earlyEnd else { return }
        tunnelSide.deliver(early, ended: earlyEnd)
        early = []
    }

    private func targetFailed(_ error: any Error) {
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

    private func refuse(_ context: ChannelHandlerContext, _ refusal: StatusFrame.Refusal, _ reason: String) {
        server.traffic.didReject()
        answer(context, .refused(refusal, reason: reason))
    }

    /// Says it, and closes properly so that it arrives.
    private func answer(_ context: ChannelHandlerContext, _ frame: StatusFrame) {
        phase = .ended
        startedTick = table.tick
        write(context, frame)
        context.close(mode: .output, promise: nil)
        context.read()
    }

    private func write(_ context: ChannelHandlerContext, _ frame: StatusFrame) {
        var buffer = context.channel.allocator.buffer(capacity: 16)
        frame.write(to: &buffer)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    private func handshakeFailed(_ reason: String) {
        guard phase == .handshaking else { return }
        phase = .ended
        guard !evicted, cutEnding == nil else { return }
        server.traffic.didReject()
        report(
            listener.role == .decoy ? .decoyTouched : check.refusesIdentity ? .identityRefused : .handshakeFailed,
            reason)
    }

    private func report(_ kind: Incident.Kind, _ reason: String) {
        server.observer.incident(
            Incident(
                tunnel: server.id, kind: kind, at: server.time.now(), peer: remote,
                local: listener.endpoint, identity: peer?.identity.description, reason: reason))
    }

    private func abort() { context?.triggerUserOutboundEvent(TransportHandler.Request.abort, promise: nil) }

    // MARK: Limits

    /// Makes room for another peer in the middle of a handshake.
    func giveWay() {
        guard phase == .handshaking else {
            abort()
            return
        }
        server.traffic.didReject()
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
            handshakeFailed("no handshake within \(settings.handshakeTimeout.nanoseconds / 1_000_000) ms")
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
                endedAt: server.time.now(), bytesIn: bytesIn, bytesOut: bytesOut, ending: ending))
        server.traffic.release()
        phase = .ended
        relay = nil
        leave()
    }

    private var hasLeft = false

    private func leave() {
        guard !hasLeft else { return }
        hasLeft = true
        if phase == .dialling { server.traffic.release() }
        phase = .ended
        table.remove(id, wasAuthenticated: isAuthenticated)
    }
}
