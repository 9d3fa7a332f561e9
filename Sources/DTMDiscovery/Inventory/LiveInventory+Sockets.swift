import DTMCore
import Glibc

/// Which sockets there are.
extension LiveInventory {
    /// Lists what waits for others: cheap, for the kernel keeps listeners apart.
    mutating func listSockets() {
        source.beginLook()
        rows.removeAll(keepingCapacity: true)
        otherRows.removeAll(keepingCapacity: true)
        unixRows.removeAll(keepingCapacity: true)
        let isComplete = source.listeners(into: &rows)
        let hasAllDatagrams = source.datagrams(into: &otherRows)
        rows.append(contentsOf: otherRows.lazy.filter(\.isListener))
        listeners.update(rows, isComplete: isComplete && hasAllDatagrams)
        for row in listeners.removed { stopListening(row) }
        for row in listeners.added { startListening(row) }
        datagrams.update(otherRows.lazy.filter { !$0.isListener && $0.isConnection }, isComplete: hasAllDatagrams)
        for row in datagrams.removed { disconnect(row) }
        for row in datagrams.added { connect(row) }
        listUnix()
    }

    private mutating func listUnix() {
        let known = unix
        let isComplete = source.unixListeners(into: &unixRows, known: { known[$0] })
        unix.update(unixRows, isComplete: isComplete)
        for row in unix.removed {
            board.remove(row.listener)
            pending[row.inode] = nil
        }
        for row in unix.added {
            board.add(row.listener)
            searchLater(row.inode)
        }
    }

    private mutating func startListening(_ row: SocketRow) {
        board.add(row.listener)
        if row.transport == .tcp || row.transport == .tcp6 { ports[row.local.port, default: []].append(row.inode) }
        searchLater(row.inode)
    }

    private mutating func stopListening(_ row: SocketRow) {
        board.remove(row.listener)
        pending[row.inode] = nil
        ports[row.local.port]?.removeAll { $0 == row.inode }
        if ports[row.local.port]?.isEmpty ?? false { ports[row.local.port] = nil }
    }

    /// Lists connections, unless that would cost more than its share: then only in every k-th tick.
    mutating func listConnections(withCounters: Bool, onlyIfDue: Bool) {
        guard !onlyIfDue || tickNumber >= connectionsDue else { return }
        let start = Self.processorTime()
        rows.removeAll(keepingCapacity: true)
        let isComplete = source.connections(withCounters: withCounters, into: &rows)
        streams.update(rows, isComplete: isComplete)
        for row in streams.removed { disconnect(row) }
        for row in streams.added {
            connect(row)
            if ports[row.local.port] != nil, accepted.count < limits.sockets { accepted[row.inode] = 0 }
        }
        if !withCounters { connectionListCost = Self.processorTime() - start }
        let share = max(1, Double(limits.interval) * limits.connectionShare)
        let ticks = UInt64(
            min(Double(limits.connectionTicks), max(1, (Double(connectionListCost) / share).rounded(.up))))
        connectionsDue = tickNumber + ticks
    }

    private mutating func connect(_ row: SocketRow) {
        ends[row.ends] = row.inode
        searchLater(row.inode)
    }

    private mutating func disconnect(_ row: SocketRow) {
        pending[row.inode] = nil
        accepted[row.inode] = nil
        if ends[row.ends] == row.inode { ends[row.ends] = nil }
    }

    private mutating func searchLater(_ inode: UInt64) {
        guard !holders.isHeld(inode), pending.count < limits.sockets else { return }
        pending[inode] = PendingSearch(born: tickNumber, due: tickNumber)
    }

    /// The row of a socket that is known, of whatever kind.
    func row(_ inode: UInt64) -> SocketRow? { streams[inode] ?? listeners[inode] ?? datagrams[inode] }

    /// The listener that a connection came in at: the one on the very address before one on all addresses.
    func listenerInode(of connection: SocketRow) -> UInt64? {
        let candidates = ports[connection.local.port] ?? []
        let address = connection.local.address.unmapped
        return candidates.first { listeners[$0]?.local.address.unmapped == address }
            ?? candidates.first { listeners[$0]?.local.address.isAny ?? false }
    }

    /// Names the peers of connections that came in.
    mutating func meetPeers() {
        for (inode, attempts) in accepted {
            guard let row = streams[inode], let listener = listenerInode(of: row) else {
                accepted[inode] = nil
                continue
            }
            let isLocal = row.remote.address.isLoopback || row.remote.address.unmapped == row.local.address.unmapped
            guard isLocal || ends[row.ends.reversed] != nil else {
                accepted[inode] = nil
                board.accept(listener, peer: .host(row.remote.address.unmapped), process: nil, &events)
                continue
            }
            let peer = ends[row.ends.reversed]
            if let peer, let owner = Self.owner(peer, holders, table) {
                accepted[inode] = nil
                board.accept(
                    listener, peer: .application(owner.application, uid: owner.uid), process: owner.process, &events)
            } else if attempts >= Self.peerAttempts {
                accepted[inode] = nil
                guard let peer, let uid = self.row(peer)?.uid else { continue }
                board.accept(listener, peer: .user(uid), process: nil, &events)
            } else {
                accepted[inode] = attempts + 1
            }
        }
    }

    /// In how many ticks the process behind a peer is waited for.
    private static var peerAttempts: Int { 3 }

    static func processorTime() -> Int64 {
        var value = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &value)
        return Int64(value.tv_sec) &* 1_000_000_000 &+ Int64(value.tv_nsec)
    }
}
