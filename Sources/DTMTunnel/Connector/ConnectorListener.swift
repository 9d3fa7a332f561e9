public import DTMCore
public import NIOCore
import NIOPosix

/// A connector's totals.
public struct ConnectorTotals: Hashable, Sendable {
    public var active: Int
    public var total: UInt64
    /// The tunnel could not be reached.
    public var failed: UInt64
    /// The local program may not.
    public var refused: UInt64
}

/// Told what a connector meets. Called on event loops: it must not block.
public protocol ConnectorObserver: Sendable {
    func connectionFailed(_ error: any Error)
    func callerRefused(_ reason: String)
    func acceptingIsPaused(_ isPaused: Bool)
}

/// Offers a fixed local address that leads through a tunnel, wherever the tunnel is at the moment.
public struct ConnectorListener: Sendable {
    let source: any KnowledgeSource
    let observer: any ConnectorObserver
    /// Nil: whoever can reach the local address is served.
    let callers: (any CallerLookup)?
    let limits: DialLimits
    let time: any TimeSource
    let group: any EventLoopGroup
    let counters = ConnectorCounters()
    let locals = LocalConnections()

    public init(
        source: any KnowledgeSource, observer: any ConnectorObserver, callers: (any CallerLookup)?,
        limits: DialLimits = .init(),
        time: any TimeSource, group: any EventLoopGroup
    ) {
        self.source = source
        self.observer = observer
        self.callers = callers
        self.limits = limits
        self.time = time
        self.group = group
    }

    /// Breaks every connection of a local program off, whatever it is at.
    ///
    /// - Returns: a future that succeeds when they are closed.
    public func abortAll() -> EventLoopFuture<Void> { locals.abortAll(on: group.any()) }

    public var totals: ConnectorTotals { counters.snapshot }

    /// Listens on a TCP address. Port 0 takes a free one: ask the channel.
    public func listen(on endpoint: Endpoint) -> EventLoopFuture<any Channel> {
        bootstrap()
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(to: endpoint.socketAddress)
            .map(Self.deepened)
    }

    /// Serves a Unix socket that listens already; its file's mode says who can connect. Takes the descriptor over.
    public func adopt(listening descriptor: CInt) -> EventLoopFuture<any Channel> {
        bootstrap().withBoundSocket(descriptor).map(Self.deepened)
    }

    /// Leads one pair of descriptors (a pipe's ends or a socket's) through the tunnel. Takes them over.
    ///
    /// - Returns: a future that succeeds when the relay has ended.
    public func relay(input: CInt, output: CInt) -> EventLoopFuture<Void> {
        let loop = group.any()
        let ended = loop.makePromise(of: Void.self)
        loop.execute { adopt(input, output, ended, on: loop) }
        return ended.futureResult
    }

    private func adopt(
        _ input: CInt, _ output: CInt, _ ended: EventLoopPromise<Void>, on loop: any EventLoop
    ) {
        NIOPipeBootstrap(group: loop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    locals.insert(channel)
                    // Only then has the last byte been written.
                    channel.closeFuture.cascade(to: ended)
                    try channel.pipeline.syncOperations.addHandlers([
                        TransportHandler(), LocalWaiter { connect(channel, $0, ended) },
                    ])
                }
            }
            .takingOwnershipOfDescriptors(input: input, output: output)
            .whenFailure { ended.fail($0) }
    }

    private func bootstrap() -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.maxMessagesPerRead, value: 32)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let watch = AcceptGuard(exhausted: observer.acceptingIsPaused)
                    try channel.pipeline.syncOperations.addHandler(watch)
                }
            }
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: RelayTuning.waterMark)
            .childChannelOption(.recvAllocator, value: RelayTuning.plainReads)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    locals.insert(channel)
                    try channel.pipeline.syncOperations.addHandlers([
                        TransportHandler(), LocalWaiter { admit(channel, $0) },
                    ])
                }
            }
    }

    private static func deepened(_ channel: any Channel) -> any Channel {
        ListeningQueue.deepen(channel)
        return channel
    }

    /// Goes on with a connection whose caller may. It is not read before that.
    private func admit(_ local: any Channel, _ waiter: LocalWaiter) {
        guard let callers else { return connect(local, waiter, nil) }
        guard let peer = LocalPeer(local) else { return refuse(local, "the kernel does not say who it is") }
        let refusal = callers.refusal(of: peer, on: local.eventLoop).hop(to: local.eventLoop)
        refusal.assumeIsolated().whenComplete { answer in
            switch answer {
            case .success(nil): connect(local, waiter, nil)
            case .success(let reason?): refuse(local, reason)
            case .failure: refuse(local, "who it is could not be found out")
            }
        }
    }

    private func refuse(_ local: any Channel, _ reason: String) {
        counters.didRefuse()
        observer.callerRefused(reason)
        local.triggerUserOutboundEvent(TransportHandler.Request.abort, promise: nil)
    }

    private func connect(_ local: any Channel, _ waiter: LocalWaiter, _ ended: EventLoopPromise<Void>?) {
        TunnelDial.run(source, limits: limits, time: time, on: local.eventLoop)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let tunnel): self.join(local, waiter, tunnel.value, ended)
                case .failure(let error):
                    self.counters.didFail()
                    self.observer.connectionFailed(error)
                    ended?.fail(error)
                    // An end would look like an empty answer.
                    local.triggerUserOutboundEvent(TransportHandler.Request.abort, promise: nil)
                }
            }
    }

    private func join(
        _ local: any Channel, _ waiter: LocalWaiter, _ tunnel: DialedTunnel, _ ended: EventLoopPromise<Void>?
    ) {
        guard local.isActive else {
            tunnel.channel.close(promise: nil)
            return
        }
        do {
            try ConnectorSession(counters: counters).join(local, waiter, tunnel)
        } catch {
            ended?.fail(error)
            tunnel.channel.close(promise: nil)
            local.triggerUserOutboundEvent(TransportHandler.Request.abort, promise: nil)
        }
    }
}
