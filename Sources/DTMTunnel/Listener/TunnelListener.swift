import CDTMLinux
public import DTMCore
import Glibc
public import NIOCore
import NIOPosix

/// One listening socket of a tunnel, in the role that it has at the moment.
///
/// Life: ``open(_:for:sessions:group:on:)`` as a decoy → change ``role`` at will → ``close()``. Belongs to the event
/// loop it was opened on. It shares no port (`SO_REUSEPORT` is never set): nobody else can be behind the same endpoint.
public final class TunnelListener {
    public let endpoint: Endpoint
    let channel: any Channel
    private let state: ListenerState
    private let underway: AcceptsUnderway
    private var isClosing = false
    /// Since when it has had its role.
    private var roleSince = NIODeadline.now()

    private init(endpoint: Endpoint, channel: any Channel, state: ListenerState, underway: AcceptsUnderway) {
        self.endpoint = endpoint
        self.channel = channel
        self.state = state
        self.underway = underway
    }

    /// Succeeds when it has closed, whoever closed it.
    public var closed: EventLoopFuture<Void> { channel.closeFuture }

    public var role: ListenerRole {
        get { state.role }
        set {
            if newValue != state.role { roleSince = .now() }
            state.role = newValue
        }
    }

    /// Listens as a decoy.
    ///
    /// - Parameters:
    ///   - group: whose event loops the connections are spread over; `loop` is one of them.
    /// - Returns: a future that fails with ``TunnelError`` `bind`; its cause is an `IOError` that carries the system's
    ///   code.
    public static func open(
        _ endpoint: Endpoint, for server: TunnelServer, sessions: SessionRegistry, group: any EventLoopGroup,
        on loop: any EventLoop
    ) -> EventLoopFuture<NIOLoopBound<TunnelListener>> {
        let state = ListenerState(endpoint: endpoint)
        return bootstrap(state, server, sessions, group, loop).bind(to: endpoint.socketAddress)
            .hop(to: loop)
            .flatMapThrowing { channel in
                ListeningQueue.deepen(channel)
                let underway = try channel.pipeline.syncOperations.handler(type: AcceptGuard.self).underway
                try channel.pipeline.syncOperations.addHandler(AcceptsSettled(underway))
                let listener = TunnelListener(endpoint: endpoint, channel: channel, state: state, underway: underway)
                return NIOLoopBound(listener, eventLoop: loop)
            }
            .flatMapErrorThrowing { error in
                throw TunnelError(
                    code: .bind, message: "can't listen on \(endpoint): \(HandshakeFailure.describeTransport(error))",
                    cause: error)
            }
    }

    private static func bootstrap(
        _ state: ListenerState, _ server: TunnelServer, _ sessions: SessionRegistry, _ group: any EventLoopGroup,
        _ loop: any EventLoop
    ) -> ServerBootstrap {
        ServerBootstrap(group: loop, childGroup: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 32)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptGuard(exhausted: { reportExhaustion($0, state, server) }))
                }
            }
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: RelayTuning.waterMark)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.prepare(channel, state, server, sessions)
                }
            }
    }

    private static func reportExhaustion(_ isExhausted: Bool, _ state: ListenerState, _ server: TunnelServer) {
        server.observer.incident(
            Incident(
                tunnel: server.id, kind: isExhausted ? .descriptorsExhausted : .descriptorsRecovered,
                at: server.time.now(), local: state.endpoint,
                reason: isExhausted ? "too many open files; accepting pauses" : "accepting again"))
    }

    /// Puts TLS and a session on a connection that was just accepted.
    private static func prepare(
        _ channel: any Channel, _ state: ListenerState, _ server: TunnelServer, _ sessions: SessionRegistry
    ) throws {
        let settings = server.current
        guard let context = settings.context, let table = sessions.table(on: channel.eventLoop) else {
            throw TunnelError(code: .notAcceptable, message: "the tunnel has no certificate yet")
        }
        guard !sessions.load.isFull || table.makeRoom() else {
            server.traffic.didReject()
            server.observer.incident(
                Incident(
                    tunnel: server.id, kind: .limitReached, at: server.time.now(),
                    peer: Endpoint(channel.remoteAddress),
                    local: state.endpoint, reason: "the manager has its \(sessions.load.count) connections"))
            throw TunnelError(code: .notAcceptable, message: "too many connections")
        }
        let session = ServerSession(server: server, listener: state, table: table, settings: settings)
        try channel.pipeline.syncOperations.addHandlers([
            TransportHandler(), session.firstBytes, session.tlsHandler(context), session,
        ])
    }
}

extension TunnelListener {
    /// Handshakes of the kernel that are under way get this long to reach the queue.
    private static let drainGrace = TimeAmount.milliseconds(50)
    /// How often closing looks at the queue from then on.
    private static let drainInterval = TimeAmount.milliseconds(10)
    /// How many times it looks at most: one second.
    private static let drainMost = 100
    /// Whoever has been a decoy for so long is no client's endpoint any more: with an empty queue there is nobody to wait for.
    private static let rest = TimeAmount.seconds(2)

    /// Closes without resetting anybody.
    ///
    /// Closing a listening socket resets what waits in its queue. So first a filter turns new connection requests away
    /// (SYN without ACK; the last ACK of a handshake must pass, `tcp(7)`, `socket(7)` SO_ATTACH_FILTER), then the queue
    /// is emptied by accepting, and only then it closes. A decoy that rests closes at once: those come and go by the hundred.
    public func close() -> EventLoopFuture<Void> {
        guard !isClosing else { return channel.closeFuture }
        isClosing = true
        if role == .decoy, NIODeadline.now() - roleSince >= Self.rest, queueLength == 0, underway.count == 0 {
            channel.close(promise: nil)
            return channel.closeFuture
        }
        ListeningQueue.withDescriptor(of: channel) { _ = dtm_syn_filter($0) }
        look(1, after: Self.drainGrace)
        return channel.closeFuture
    }

    private func look(_ number: Int, after delay: TimeAmount) {
        channel.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.drain(look: number) }
    }

    private func drain(look number: Int) {
        guard channel.isActive else { return }
        let isQuiet = queueLength == 0 && underway.count == 0
        guard !isQuiet, number < Self.drainMost else {
            try? channel.syncOptions?.setOption(.autoRead, value: false)
            channel.close(promise: nil)
            return
        }
        look(number + 1, after: Self.drainInterval)
    }

    private var queueLength: UInt32 {
        var length: UInt32 = 0
        ListeningQueue.withDescriptor(of: channel) { descriptor in
            var backlog: UInt32 = 0
            if dtm_tcp_queue(descriptor, &length, &backlog) != 0 { length = 0 }
        }
        return length
    }
}
