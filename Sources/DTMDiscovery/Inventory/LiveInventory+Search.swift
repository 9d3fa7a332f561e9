import DTMCore

/// Which processes hold which sockets.
extension LiveInventory {
    /// Looks through the descriptors of one process, and brings what it holds up to date.
    mutating func search(_ slot: Int) {
        do throws(ProcfsReader.Failure) {
            let folder = try reader.folder(table.slots[slot].identity.pid)
            search(slot, folder)
        } catch {
            lose(slot, error)
        }
    }

    /// As ``search(_:)``, in a folder that is open already.
    mutating func search(_ slot: Int, _ folder: borrowing ProcfsReader.Folder) {
        var found: [ProcfsReader.HeldSocket] = []
        swap(&found, &self.found)
        defer { swap(&found, &self.found) }
        found.removeAll(keepingCapacity: true)
        table.slots[slot].searched = tickNumber
        do throws(ProcfsReader.Failure) {
            table.slots[slot].descriptors = try reader.sockets(
                folder, open: &table.slots[slot].openNumbers, into: &found)
            table.slots[slot].gaps.remove(.sockets)
        } catch {
            lose(slot, error)
            return
        }
        found.sort()
        if found != table.slots[slot].held { replaceHeld(slot, with: found) }
    }

    /// What it held before may be gone by now: nobody is a holder on hearsay.
    private mutating func lose(_ slot: Int, _ failure: ProcfsReader.Failure) {
        table.slots[slot].searched = tickNumber
        if failure == .notPermitted {
            table.slots[slot].gaps.insert(.sockets)
            table.slots[slot].descriptors = nil
        }
        replaceHeld(slot, with: [])
    }

    /// Both lists are sorted: goes through them side by side.
    private mutating func replaceHeld(_ slot: Int, with now: [ProcfsReader.HeldSocket]) {
        let identity = table.slots[slot].identity
        let before = table.slots[slot].held
        var old = 0
        for socket in now {
            while old < before.count, before[old].inode < socket.inode {
                release(before[old].inode, identity)
                old += 1
            }
            var wasHeld = false
            while old < before.count, before[old].inode == socket.inode {
                wasHeld = true
                old += 1
            }
            holders.add(socket.inode, Holder(process: identity, descriptor: socket.descriptor))
            if !wasHeld {
                pending[socket.inode] = nil
                board.touch(socket.inode)
            }
        }
        for socket in before[old...] { release(socket.inode, identity) }
        table.slots[slot].held = now
        table.slots[slot].changed = tickNumber
    }

    /// Notes that a process holds a socket under a descriptor, in place of what that was before: a look at this one alone.
    ///
    /// - Returns: Whether it does.
    mutating func look(_ slot: Int, at descriptor: Int32, for inode: UInt64) -> Bool {
        guard reader.holds(table.slots[slot].identity.pid, descriptor, inode: inode) else { return false }
        var held = table.slots[slot].held.filter { $0.descriptor != descriptor }
        held.append(ProcfsReader.HeldSocket(inode: inode, descriptor: descriptor))
        held.sort()
        replaceHeld(slot, with: held)
        return true
    }

    /// Takes a process from the holders of a socket. When it was the last one, others are searched for: the socket may
    /// have been handed over.
    mutating func release(_ inode: UInt64, _ process: ProcessIdentity) {
        holders.remove(inode, process)
        board.touch(inode)
        guard !holders.isHeld(inode), row(inode) != nil || unix[inode] != nil, pending.count < limits.sockets else {
            return
        }
        // Most likely it was closed: connections show that in their next list only.
        let due = board.isListener(inode) ? tickNumber : max(tickNumber, connectionsDue)
        pending[inode] = PendingSearch(born: tickNumber, due: due)
    }

    /// Searches the processes that are new.
    mutating func searchNewcomers() {
        for slot in newcomers where table.slots[slot].isLive { search(slot) }
    }

    /// Searches for the holders of sockets that have none yet: in the processes where they most likely are, first.
    mutating func searchPending() {
        guard !pending.isEmpty else { return }
        let due = pending.filter { $0.value.due <= tickNumber }
        guard let born = due.values.map(\.born).max() else { return }
        // What was searched for in vain before is not worth a search of its own: few processes, unless others are searched anyway.
        let new = due.filter { $0.value.attempts == 0 }.map(\.key)
        let wanted = new.isEmpty ? Array(due.keys) : new
        var budget = new.isEmpty ? Self.searchesForOld : limits.searchesPerTick
        let candidates = candidates(for: due, since: born)
        searchUntilHeld(wanted, candidates.prefix(Self.mostActive), &budget)
        if !new.isEmpty {
            // Telling who opened or closed something is cheap beside looking at what.
            let checked = candidates.dropFirst(Self.mostActive).prefix(limits.searchesPerTick * Self.countsPerSearch)
            searchUntilHeld(wanted, checked, onlyIfCountDiffers: true, &budget)
        }
        postpone(due, isExhausted: searchUntilHeld(wanted, candidates[...], &budget))
    }

    /// - Returns: Whether the budget was too small to look at all of `slots`, and some of the sockets have no holder yet.
    @discardableResult
    private mutating func searchUntilHeld(
        _ inodes: [UInt64], _ slots: ArraySlice<Int>, onlyIfCountDiffers: Bool = false, _ budget: inout Int
    ) -> Bool {
        for slot in slots {
            guard inodes.contains(where: { pending[$0] != nil }) else { return false }
            guard table.slots[slot].isLive, table.slots[slot].searched < tickNumber else { continue }
            if onlyIfCountDiffers, !hasOtherCount(slot) { continue }
            if budget <= 0 { return true }
            search(slot)
            budget -= 1
        }
        return false
    }

    /// How many processes are looked at before those whose count of descriptors shows that they opened or closed some.
    static var mostActive: Int { 16 }

    /// How many counts are asked for in one tick, for each process that may be searched.
    private static var countsPerSearch: Int { 8 }

    /// How many processes are searched in one tick for sockets that were searched for in vain before. The rotation comes to all.
    private static var searchesForOld: Int { 4 }

    /// Sockets that were searched for everywhere are searched for more and more rarely: nobody that can be read holds
    /// them.
    private mutating func postpone(_ due: [UInt64: PendingSearch], isExhausted: Bool) {
        for inode in due.keys {
            guard var search = pending[inode] else { continue }
            if isExhausted, search.attempts == 0 {
                search.due = tickNumber + 1
            } else {
                search.attempts = min(search.attempts + 1, 6)
                search.due = tickNumber + 1 << UInt64(search.attempts)
                search.born = search.due
            }
            pending[inode] = search
        }
    }

    /// The processes that may hold one of these sockets and were not searched since they appeared, the likeliest first.
    private func candidates(for due: [UInt64: PendingSearch], since born: UInt64) -> [Int] {
        var places = Set<UInt64>()
        var users = Set<UInt32>()
        var groups = Set<UInt64>()
        for inode in due.keys {
            guard let row = row(inode) else {
                if let uid = unix[inode]?.uid { users.insert(uid) }
                continue
            }
            users.insert(row.uid)
            if let group = row.controlGroup { groups.insert(group) }
            if let listener = listenerInode(of: row) { places.insert(listener) }
        }
        let acceptors = Set(places.flatMap { holders.holders($0) }.map(\.process))
        var ranked: [(rank: Int, slot: Int)] = []
        for slot in table.slots.indices {
            let rank = rank(table.slots[slot], acceptors, users, groups, born)
            if let rank { ranked.append((rank, slot)) }
        }
        return inOrder(&ranked)
    }

    /// By rank, and within one those first that began last or whose sockets changed last.
    func inOrder(_ ranked: inout [(rank: Int, slot: Int)]) -> [Int] {
        ranked.sort { left, right in
            let (one, other) = (table.slots[left.slot].active, table.slots[right.slot].active)
            return (left.rank, other, right.slot) < (right.rank, one, left.slot)
        }
        return ranked.map(\.slot)
    }

    /// Lower comes first; nil: it can't be.
    private func rank(
        _ record: ProcessRecord, _ acceptors: Set<ProcessIdentity>, _ users: Set<UInt32>, _ groups: Set<UInt64>,
        _ born: UInt64
    ) -> Int? {
        guard record.isLive, record.searched < born else { return nil }
        if acceptors.contains(record.identity) { return 0 }
        // A thread of the kernel has no descriptors.
        if record.parent == 2 || record.identity.pid == 2 { return nil }
        let isGroup = record.controlGroup.map(groups.contains) ?? false
        let rank = users.contains(record.uid) ? (isGroup ? 1 : 2) : 3
        // Those that can't be read come last, in case that has changed.
        return record.gaps.contains(.sockets) ? rank + 10 : rank
    }
}
