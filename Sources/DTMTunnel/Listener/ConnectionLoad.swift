public import DTMCore
public import NIOCore
import Synchronization

/// How many connections are open over all tunnels, and how many may be.
final class ConnectionLoad: Sendable {
    private let open = Atomic<Int>(0)
    private let limit: Atomic<Int>

    init(limit: Int) { self.limit = Atomic(limit) }

    var isFull: Bool { open.load(ordering: .relaxed) >= limit.load(ordering: .relaxed) }
    var count: Int { open.load(ordering: .relaxed) }

    func setLimit(_ value: Int) { limit.store(value, ordering: .relaxed) }
    func opened() { open.wrappingAdd(1, ordering: .relaxed) }
    func closed() { open.wrappingSubtract(1, ordering: .relaxed) }
}

/// The sessions of all event loops of a process.
///
/// Life: construct on the group that serves → listeners put their sessions in → ``shutDown()``.
public final class SessionRegistry: Sendable {
    let tables: [ObjectIdentifier: NIOLoopBoundBox<SessionTable>]
    let load: ConnectionLoad

    /// - Parameter maximumConnections: over all tunnels.
    public init(group: any EventLoopGroup, maximumConnections: Int) {
        let loops = Array(group.makeIterator())
        let load = ConnectionLoad(limit: maximumConnections)
        self.load = load
        tables = Dictionary(
            uniqueKeysWithValues: loops.enumerated().map { index, loop in
                let table = SessionTable(loop: loop, load: load, index: index, count: loops.count)
                return (ObjectIdentifier(loop), NIOLoopBoundBox.makeBoxSendingValue(table, eventLoop: loop))
            })
    }

    /// How many connections are open.
    public var openConnections: Int { load.count }

    /// How many connections may be open over all tunnels, from now on.
    public func setMaximumConnections(_ value: Int) { load.setLimit(value) }

    /// The table of the event loop that this is called on; nil on a loop of another group.
    func table(on loop: any EventLoop) -> SessionTable? { tables[ObjectIdentifier(loop)]?.value }

    /// Cuts the sessions of an identity or a serial number that is no longer good.
    public func cut(identities: Set<String>, serials: Set<SerialNumber>) {
        guard !identities.isEmpty || !serials.isEmpty else { return }
        everywhere { table in
            table.cut(.revoked) { session in
                guard let peer = session.candidate else { return false }
                return serials.contains(peer.serial) || identities.contains(peer.identity.description)
            }
        }
    }

    /// Cuts all sessions of a tunnel.
    public func cut(tunnel: TunnelID, _ ending: FlowRecord.Ending) {
        everywhere { $0.cut(ending) { $0.server.id == tunnel } }
    }

    /// Cuts everything.
    public func cutAll(_ ending: FlowRecord.Ending) {
        everywhere { $0.cut(ending) { _ in true } }
    }

    /// Ends the sweeping. Call before the event loops end.
    public func shutDown() {
        everywhere { $0.stopSweeping() }
    }

    private func everywhere(_ body: @escaping @Sendable (SessionTable) -> Void) {
        for bound in tables.values { bound.eventLoop.execute { body(bound.value) } }
    }
}
