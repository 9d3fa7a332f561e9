public import DTMCore

extension LiveInventory {
    /// Tells who made a TCP connection on this host.
    ///
    /// The kernel is asked for the very socket, which takes microseconds. Its holders come from what is known; each is checked to be
    /// the same process and to hold the socket still. When none is known, processes are searched, the likeliest first. At the end the
    /// kernel is asked again, so that a socket which went away meanwhile is not taken for another.
    ///
    /// - Parameters:
    ///   - local: The end to attribute: for a connection that was accepted, the peer's address.
    ///   - remote: The other end: for a connection that was accepted, the listener's address.
    public mutating func attribute(
        local: Endpoint, remote: Endpoint, search: AttributionSearch = .likely
    ) -> ConnectionAttribution {
        do throws(SockDiagChannel.Failure) {
            guard let row = try source.connection(local: local, remote: remote) else { return .unknown(.connection) }
            guard row.inode != 0 else { return .unknown(.owner, .holders) }
            var attribution = describe(row)
            guard search != .none else {
                attribution.missing.insert(.holders)
                return attribution
            }
            fillHolders(&attribution, row, search)
            let now = try source.connection(local: local, remote: remote)
            guard let now, now.inode == row.inode, now.cookie == row.cookie else {
                return .unknown(.stability, .holders)
            }
            return attribution
        } catch {
            return .unknown(.kernel, .holders)
        }
    }

    /// Who holds a socket whose connection may be over already. The kernel told its user and inode a moment ago; an inode is
    /// used again in time, so this is no ground for a decision.
    public mutating func holders(ofSocket inode: UInt64, uid: UInt32) -> [ConnectionAttribution.Holder] {
        guard inode != 0 else { return [] }
        var attribution = ConnectionAttribution()
        let nowhere = Endpoint(address: .v4(0), port: 0)
        let row = SocketRow(
            transport: .tcp, state: .closed, local: nowhere, remote: nowhere, uid: uid, inode: inode)
        fillHolders(&attribution, row, .likely)
        return attribution.holders
    }

    private func describe(_ row: SocketRow) -> ConnectionAttribution {
        var attribution = ConnectionAttribution()
        attribution.uid = row.uid
        attribution.inode = row.inode
        attribution.cookie = row.cookie
        attribution.controlGroup = row.controlGroup
        attribution.controlGroupPath = row.controlGroup.flatMap { controlGroups.path(of: $0) }
        attribution.unit = attribution.controlGroupPath.flatMap(ControlGroup.unit)
        if attribution.controlGroupPath == nil { attribution.missing.insert(.controlGroup) }
        return attribution
    }

    private mutating func fillHolders(
        _ attribution: inout ConnectionAttribution, _ row: SocketRow, _ search: AttributionSearch
    ) {
        let isExhaustive = search == .everywhere ? searchEverywhere() : searchLikely(row)
        for holder in holders.holders(row.inode) {
            guard let slot = confirm(holder, row.inode) else { continue }
            let record = table.slots[slot]
            attribution.holders.append(
                ConnectionAttribution.Holder(
                    process: record.identity, uid: record.uid, gid: record.gid, executable: record.executable,
                    application: record.application))
            if record.executable == nil { attribution.missing.insert(.executable) }
            remember(holder, slot)
        }
        if attribution.holders.isEmpty { attribution.missing.insert(.holders) }
        if !isExhaustive { attribution.missing.insert(.otherHolders) }
    }

    /// The slot of a holder that still is the same process, runs what it did, and holds the socket.
    private mutating func confirm(_ holder: Holder, _ inode: UInt64) -> Int? {
        guard let slot = table.slot(of: holder.process) else { return nil }
        guard identifyAgain(slot), reader.holds(holder.process.pid, holder.descriptor, inode: inode) else {
            release(inode, holder.process)
            return nil
        }
        return slot
    }

    /// Every process, those included that began since the last tick.
    ///
    /// - Returns: Whether all of them could be read.
    private mutating func searchEverywhere() -> Bool {
        guard (try? followNow()) != nil else { return false }
        var isWhole = !wasTruncated
        for slot in table.slots.indices where table.slots[slot].isLive {
            search(slot)
            if table.slots[slot].gaps.contains(.sockets) { isWhole = false }
        }
        // Whoever was forked meanwhile.
        guard (try? followNow()) != nil else { return false }
        for slot in newcomers {
            search(slot)
            if table.slots[slot].gaps.contains(.sockets) { isWhole = false }
        }
        return isWhole
    }
}
