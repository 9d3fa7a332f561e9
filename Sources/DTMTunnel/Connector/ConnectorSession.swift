import DTMCore
import NIOCore
import Synchronization

/// What a connector has done so far.
final class ConnectorCounters: Sendable {
    private let active = Atomic<Int>(0)
    private let total = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)
    private let refused = Atomic<UInt64>(0)

    var snapshot: ConnectorTotals {
        ConnectorTotals(
            active: active.load(ordering: .relaxed), total: total.load(ordering: .relaxed),
            failed: failed.load(ordering: .relaxed), refused: refused.load(ordering: .relaxed))
    }

    func opened() {
        active.wrappingAdd(1, ordering: .relaxed)
        total.wrappingAdd(1, ordering: .relaxed)
    }
    func closed() { active.wrappingSubtract(1, ordering: .relaxed) }
    func didFail() { failed.wrappingAdd(1, ordering: .relaxed) }
    func didRefuse() { refused.wrappingAdd(1, ordering: .relaxed) }
}

/// One connection of a local program: it waits, unread, until the tunnel has accepted, and is then relayed. Belongs to
/// its event loop.
final class ConnectorSession: RelayMonitor {
    private let counters: ConnectorCounters

    init(counters: ConnectorCounters) { self.counters = counters }

    /// Joins a local connection and a tunnel's. The local channel needs a ``TransportHandler`` already; its waiter
    /// leaves.
    func join(_ local: any Channel, _ waiter: LocalWaiter, _ tunnel: DialedTunnel) throws {
        let pair = RelayHandler.pair(monitor: self)
        // Whatever fails from here on ends the relay, which counts it out.
        counters.opened()
        try tunnel.channel.pipeline.syncOperations.addHandler(pair.tunnel)
        try local.pipeline.syncOperations.addHandler(pair.plain)
        local.pipeline.syncOperations.removeHandler(waiter, promise: nil)
        if tunnel.early.readableBytes > 0 { pair.tunnel.deliver([tunnel.early], ended: false) }
        pair.plain.deliver(waiter.early, ended: waiter.hasEnded)
        pair.tunnel.start()
        pair.plain.start()
    }

    func relay(moved bytes: Int, from side: RelaySide) {}

    func relayEnded(broken: RelaySide?) { counters.closed() }
}
