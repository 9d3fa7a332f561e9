import DTMCore

/// Where somebody listens: the same for a socket that is closed and opened anew.
struct ListenerKey: Hashable {
    var transport: SocketTransport
    var place: ObservedListener.Place

    init(_ listener: ObservedListener) {
        transport = listener.transport
        place = listener.place
    }
}

/// Who listens where, and who did: turns sockets that come and go into events. A pure value.
///
/// Within one look: ``add(_:)``, ``remove(_:)``, ``touch(_:)`` in any order, then ``settle(tick:owner:_:)`` once.
struct ListenerBoard {
    private struct Listening {
        var listener: ObservedListener
        var inodes: [UInt64]
        /// Whoever holds it now.
        var owner: ListenerOwner?
        /// Whoever was last known to hold it.
        var former: ListenerOwner?
        var isAnnounced = false
        var peers: Set<ListenerPeer> = []
    }

    private var places: [ListenerKey: Listening] = [:]
    private var keys: [UInt64: ListenerKey] = [:]
    private var touched: Set<ListenerKey> = []
    private var departed: [ListenerKey: (owner: ListenerOwner, tick: UInt64)] = [:]
    private(set) var wasTruncated = false
    let limits: InventoryLimits

    init(limits: InventoryLimits) { self.limits = limits }

    /// The inodes of all listeners.
    var inodes: some Collection<UInt64> { keys.keys }

    func isListener(_ inode: UInt64) -> Bool { keys[inode] != nil }

    /// The listener with this inode.
    func listener(_ inode: UInt64) -> ObservedListener? { keys[inode].flatMap { places[$0]?.listener } }

    mutating func add(_ listener: ObservedListener) {
        let key = ListenerKey(listener)
        keys[listener.inode] = key
        touched.insert(key)
        if places[key] == nil {
            places[key] = Listening(listener: listener, inodes: [listener.inode], former: departed[key]?.owner)
        } else if places[key]?.inodes.contains(listener.inode) == false {
            places[key]?.inodes.append(listener.inode)
        }
    }

    mutating func remove(_ listener: ObservedListener) {
        guard let key = keys.removeValue(forKey: listener.inode) else { return }
        touched.insert(key)
        places[key]?.inodes.removeAll { $0 == listener.inode }
    }

    /// Says that the holders of a socket changed, or something about them.
    mutating func touch(_ inode: UInt64) {
        if let key = keys[inode] { touched.insert(key) }
    }

    /// Works out what all of this comes to.
    mutating func settle(
        tick: UInt64, owner: (_ inode: UInt64) -> ListenerOwner?, _ events: inout [InventoryEvent]
    ) {
        for key in touched { settle(key, tick, owner, &events) }
        touched.removeAll(keepingCapacity: true)
    }

    private mutating func settle(
        _ key: ListenerKey, _ tick: UInt64, _ owner: (UInt64) -> ListenerOwner?, _ events: inout [InventoryEvent]
    ) {
        guard var place = places[key] else { return }
        guard let inode = place.inodes.first else { return depart(key, place, tick, &events) }
        place.listener.inode = inode
        place.owner = place.inodes.compactMap(owner).min {
            ($0.process.startTicks, $0.process.pid) < ($1.process.startTicks, $1.process.pid)
        }
        let wasKnown = place.former != nil
        if !place.isAnnounced { events.append(.startedListening(place.listener, owner: place.owner)) }
        if let owner = place.owner {
            if let former = place.former {
                let differences = owner.differences(from: former)
                if !differences.isEmpty {
                    events.append(.takenOver(place.listener, from: former, to: owner, differences))
                }
            }
            if place.isAnnounced, !wasKnown { events.append(.identified(place.listener, owner: owner)) }
            place.former = owner
        }
        place.isAnnounced = true
        places[key] = place
    }

    private mutating func depart(
        _ key: ListenerKey, _ place: Listening, _ tick: UInt64, _ events: inout [InventoryEvent]
    ) {
        places[key] = nil
        if place.isAnnounced { events.append(.stoppedListening(place.listener, owner: place.former)) }
        guard let owner = place.former, Self.isLasting(key) else { return }
        if departed.count >= limits.departedPlaces { forgetOldest() }
        departed[key] = (owner, tick)
    }

    /// Half of them at once, so that the search for the oldest is rare.
    private mutating func forgetOldest() {
        let ticks = departed.values.map(\.tick).sorted()
        guard let middle = ticks.dropFirst(ticks.count / 2).first else { return }
        departed = departed.filter { $0.value.tick > middle }
    }

    /// Clients bind UDP ports that the kernel picks; the next one who gets such a port takes nothing over. The range is
    /// Linux's default (`ip(7)`, ip_local_port_range).
    private static func isLasting(_ key: ListenerKey) -> Bool {
        guard key.transport == .udp || key.transport == .udp6, case .ip(let endpoint) = key.place else { return true }
        return endpoint.port < 32_768 || endpoint.port > 60_999
    }

    /// Notes a connection to a listener; an event when the peer had none before.
    mutating func accept(
        _ inode: UInt64, peer: ListenerPeer, process: ProcessIdentity?, _ events: inout [InventoryEvent]
    ) {
        guard let key = keys[inode], let place = places[key], !place.peers.contains(peer) else { return }
        guard place.peers.count < limits.peers else {
            wasTruncated = true
            return
        }
        places[key]?.peers.insert(peer)
        events.append(.newPeer(place.listener, peer: peer, process: process))
    }
}
