import DTMCore

/// The search for a process that holds one connection, from what is cheap and likely to what is dear and not.
///
/// | stage | cost | bound |
/// | --- | --- | --- |
/// | holders that are known | 3 µs each | 1,024 |
/// | who was asked for last, under the same descriptor | 3 µs each | 16 |
/// | the last of these, all their descriptors | 50 µs each | 4, budget |
/// | all of the socket's user who were asked for before, under the same descriptor | 3 µs each | 256, budget |
/// | the processes of that user: the most active ones, new ones among them | 50 µs each | 16, budget |
/// | those of them that have more or fewer descriptors than at the last look | 2 µs each, 50 if so | budget |
/// | the others of them | 50 µs each | budget |
/// | the processes of other users: they may have got the socket, or changed their user | as above | budget |
///
/// The ``SearchBudget`` is the socket's user's. Where it ends the connection has no holder, and whoever asked must not
/// take it for anybody's.
extension LiveInventory {
    /// - Returns: False: not all processes were looked at.
    mutating func searchLikely(_ row: SocketRow) -> Bool {
        if isHeldForCertain(row.inode) { return false }
        let recent = recentCallers.compactMap { table.slot(of: $0) }.filter { table.slots[$0].uid == row.uid }
        for slot in recent where look(slot, at: table.slots[slot].askedDescriptor, for: row.inode) { return false }
        let allowance = searchBudget.allowance(of: row.uid, at: clock.now().nanoseconds)
        guard allowance > 0 else { return false }
        let start = Self.processorTime()
        searchWithin(start + allowance, row, recent)
        searchBudget.charge(Self.processorTime() - start, to: row.uid, at: clock.now().nanoseconds)
        return false
    }

    /// - Parameter deadline: In ``processorTime()``.
    private mutating func searchWithin(_ deadline: Int64, _ row: SocketRow, _ recent: [Int]) {
        for slot in recent.prefix(Self.mostRecent) {
            if ends(row.inode, at: deadline) { return }
            search(slot)
        }
        if ends(row.inode, at: deadline) { return }
        // Whoever began since the last tick. From here on, `searched` tells what was looked at for this connection.
        guard (try? followNow()) != nil else { return }
        let (own, others) = likely(row)
        let asked = own.filter { table.slots[$0].asked > 0 }.sorted { table.slots[$0].asked > table.slots[$1].asked }
        for slot in asked.prefix(Self.maximumAsked)
        where look(slot, at: table.slots[slot].askedDescriptor, for: row.inode) { return }
        for slots in [own, others] {
            search(slots.prefix(Self.mostActive), for: row.inode, deadline)
            searchWhereCountsDiffer(slots, for: row.inode, deadline)
            search(slots[...], for: row.inode, deadline)
        }
    }

    /// How many of those who were asked for last are searched first.
    private static var mostRecent: Int { 4 }
    private static var maximumRecent: Int { 16 }
    /// How many of those who were asked for before are looked at under the same descriptor.
    private static var maximumAsked: Int { 256 }

    /// Whether nothing is left to do: a holder was found, or time is up.
    private func ends(_ inode: UInt64, at deadline: Int64) -> Bool {
        holders.isHeld(inode) || Self.processorTime() >= deadline
    }

    private mutating func search(_ slots: ArraySlice<Int>, for inode: UInt64, _ deadline: Int64) {
        for slot in slots where table.slots[slot].searched < tickNumber {
            if ends(inode, at: deadline) { return }
            search(slot)
        }
    }

    private mutating func searchWhereCountsDiffer(_ slots: [Int], for inode: UInt64, _ deadline: Int64) {
        for (index, slot) in slots.enumerated() where table.slots[slot].searched < tickNumber {
            if index % 16 == 0, ends(inode, at: deadline) { return }
            guard hasOtherCount(slot) else { continue }
            if ends(inode, at: deadline) { return }
            search(slot)
        }
    }

    /// Whether a process has more or fewer descriptors than at the last look.
    func hasOtherCount(_ slot: Int) -> Bool {
        reader.descriptorCount(table.slots[slot].identity.pid).map { $0 != table.slots[slot].descriptors } ?? false
    }

    private func isHeldForCertain(_ inode: UInt64) -> Bool {
        holders.holders(inode).contains { holder in
            table.slot(of: holder.process) != nil
                && reader.holds(holder.process.pid, holder.descriptor, inode: inode)
        }
    }

    /// The processes of the socket's user and those of others, each by control group and by when there was news of them.
    private func likely(_ row: SocketRow) -> (own: [Int], others: [Int]) {
        var own: [(rank: Int, slot: Int)] = []
        var others = own
        for slot in table.slots.indices where table.slots[slot].canBeSearched {
            let isGroup = row.controlGroup != nil && table.slots[slot].controlGroup == row.controlGroup
            let entry = (rank: isGroup ? 0 : 1, slot: slot)
            if table.slots[slot].uid == row.uid { own.append(entry) } else { others.append(entry) }
        }
        return (inOrder(&own), inOrder(&others))
    }

    mutating func remember(_ holder: Holder, _ slot: Int) {
        askedCount += 1
        table.slots[slot].asked = askedCount
        table.slots[slot].askedDescriptor = holder.descriptor
        recentCallers.removeAll { $0 == holder.process }
        recentCallers.insert(holder.process, at: 0)
        if recentCallers.count > Self.maximumRecent { recentCallers.removeLast() }
    }
}

extension ProcessRecord {
    /// Threads of the kernel have no executable and no descriptors.
    fileprivate var canBeSearched: Bool { isLive && executable != nil && !gaps.contains(.sockets) }
}
