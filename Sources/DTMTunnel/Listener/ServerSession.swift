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

    enum Phase { case handshaking, dialling, relaying, ended }

    let server: TunnelServer
    let listener: ListenerState
    let table: SessionTable
    let settings: TunnelServer.Settings
    let check: PeerCheck
    let firstBytes = FirstBytes()
    /// What became of the touch, when it came to a decoy.
    var touch: Touch
    var phase = Phase.handshaking
    var context: ChannelHandlerContext?
    /// The peer's address, which a closed channel does not know any more.
    var remote: Endpoint?
    /// Whose socket the peer's end is, asked when it is accepted: once it is gone, nobody can say.
    var owner: SocketOwner?
    var relay: RelayHandler?
    var id: UInt64 = 0
    var startedAt = Timestamp(nanoseconds: 0)
    /// When the present phase's time began to run.
    var startedTick: Int64 = 0
    var activeTick: Int64 = 0
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0
    var cutEnding: FlowRecord.Ending?
    var evicted = false
    var hasLeft = false
    /// What a client sent before it was told that it may: kept for the target, and no more is read meanwhile.
    var early: [ByteBuffer] = []
    var earlyEnd = false

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
        touch = listener.role == .decoy ? .open : .none
        check = PeerCheck(authenticator: settings.authenticator, expectation: .client(of: server.id))
    }

    func tlsHandler(_ context: NIOSSLContext) -> NIOSSLServerHandler { check.serverHandler(context) }

    // MARK: Handshake

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        remote = Endpoint(context.remoteAddress)
        if let remote, remote.address.isLoopback {
            owner = server.owners?.owner(of: remote, connectedTo: listener.endpoint)
        }
        startedAt = server.time.now()
        startedTick = table.tick
        activeTick = startedTick
        id = table.insert(self)
        if touch == .open { awaitTouch(context) }
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
        handshakeFailed(HandshakeFailure(error, verdict: check.verdict))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if phase == .handshaking { handshakeFailed(.gone) }
        leave()
        context.fireChannelInactive()
    }

    func handshakeCompleted(_ context: ChannelHandlerContext, _ negotiated: String?) {
        guard phase == .handshaking else { return }
        // No verdict: a session resumed from a ticket, which never showed its certificate.
        guard case .success(let peer)? = check.verdict else {
            handshakeFailed(HandshakeFailure("the session was resumed, without a certificate", .resumed))
            abort()
            return
        }
        guard negotiated == TunnelTLS.applicationProtocol else {
            handshakeFailed(HandshakeFailure("the peer does not speak \(TunnelTLS.applicationProtocol)", .incompatible))
            abort()
            return
        }
        self.peer = peer
        context.pipeline.syncOperations.removeHandler(firstBytes, promise: nil)
        table.didAuthenticate()
        admit(context, peer)
    }

    func admit(_ context: ChannelHandlerContext, _ peer: AuthenticatedPeer) {
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
}
