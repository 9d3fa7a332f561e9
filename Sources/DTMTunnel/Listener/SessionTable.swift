import DTMCore
import NIOCore

/// The sessions of one event loop, whatever their tunnel. Belongs to that event loop.
///
/// It sweeps once a second for time-outs, so that a connection costs no timer of its own, and it bounds how many peers
/// may be in the middle of a handshake: the oldest of them gives way, so that ten thousand silent connections keep
/// nobody else out.
final class SessionTable {
    /// How many peers may be unauthenticated at a time on one event loop.
    static let maximumUnauthenticated = 1_024

    private let loop: any EventLoop
    private let load: ConnectionLoad
    private(set) var sessions: [UInt64: ServerSession] = [:]
    private var unauthenticated = CircularBuffer<UInt64>()
    private var unauthenticatedCount = 0
    private var nextID: UInt64
    private let idStride: UInt64
    private var sweeper: Scheduled<Void>?
    private var hasStopped = false
    /// Seconds since the table began, more or less: enough to tell idle sessions.
    private(set) var tick: Int64 = 0

    /// - Parameters:
    ///   - index: which of the `count` event loops this is; connection numbers are unique over all of them.
    init(loop: any EventLoop, load: ConnectionLoad, index: Int, count: Int) {
        self.loop = loop
        self.load = load
        nextID = UInt64(index)
        idStride = UInt64(max(1, count))
    }

    var count: Int { sessions.count }

    func startSweeping() {
        guard sweeper == nil, !hasStopped else { return }
        scheduleSweep()
    }

    private func scheduleSweep() {
        sweeper = loop.assumeIsolated().scheduleTask(in: .seconds(1)) {
            self.sweep()
            if !self.hasStopped { self.scheduleSweep() }
        }
    }

    func stopSweeping() {
        hasStopped = true
        sweeper?.cancel()
        sweeper = nil
    }

    /// Takes a session in that has not authenticated itself yet, and gives it its number.
    func insert(_ session: ServerSession) -> UInt64 {
        startSweeping()
        let id = nextID
        nextID &+= idStride
        sessions[id] = session
        unauthenticated.append(id)
        unauthenticatedCount += 1
        load.opened()
        if unauthenticatedCount > Self.maximumUnauthenticated { makeRoom() }
        return id
    }

    func didAuthenticate() { unauthenticatedCount -= 1 }

    func remove(_ id: UInt64, wasAuthenticated: Bool) {
        guard sessions.removeValue(forKey: id) != nil else { return }
        if !wasAuthenticated { unauthenticatedCount -= 1 }
        load.closed()
        dropStale()
    }

    /// Cuts every session that `applies` says so.
    func cut(_ ending: FlowRecord.Ending, where applies: (ServerSession) -> Bool) {
        for session in sessions.values where applies(session) { session.cut(ending) }
    }

    /// Makes the oldest peer in the middle of a handshake give way; false when there is none.
    @discardableResult
    func makeRoom() -> Bool {
        while let id = unauthenticated.popFirst() {
            if let session = sessions[id], !session.isAuthenticated {
                session.giveWay()
                return true
            }
        }
        return false
    }

    /// Forgets queue entries of sessions that have gone or passed, so that the queue stays as short as the handshakes
    /// under way.
    private func dropStale() {
        while let id = unauthenticated.first, sessions[id]?.isAuthenticated ?? true { unauthenticated.removeFirst() }
    }

    private func sweep() {
        tick += 1
        dropStale()
        for session in sessions.values { session.sweep(tick: tick) }
    }
}
