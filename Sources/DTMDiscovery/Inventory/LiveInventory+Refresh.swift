import DTMCore
import Glibc

/// Looking again at what is known, a part in each tick.
extension LiveInventory {
    /// Reads what a process uses; notices that its name changed, as it does with its executable.
    ///
    /// - Returns: False when it is gone.
    @discardableResult
    mutating func sample(_ slot: Int) -> Bool {
        let identity = table.slots[slot].identity
        guard (try? reader.read(identity.pid, "stat")) != nil, let fields = statFields(),
            fields.startTicks == identity.startTicks
        else { return false }
        let isRenamed = !isSameName(fields, table.slots[slot])
        table.slots[slot].sample(
            fields, at: clock.now().nanoseconds, ticksPerSecond: ticksPerSecond, pageBytes: pageBytes)
        if isRenamed { reidentify(slot) }
        return true
    }

    /// Reads again what a process is: its name, its users, its executable.
    ///
    /// - Returns: False when it is gone.
    @discardableResult
    mutating func reidentify(_ slot: Int) -> Bool {
        let identity = table.slots[slot].identity
        guard let folder = try? reader.folder(identity.pid), (try? reader.read(folder, "stat")) != nil,
            let fields = statFields(), fields.startTicks == identity.startTicks
        else { return false }
        var record = table.slots[slot]
        record.nameBytes = (fields.nameHead, fields.nameTail)
        record.name = ByteFields.printable(reader.buffer[fields.name])
        guard (try? reader.read(folder, "status")) != nil, let status = ProcessStatus(reader.bytes) else {
            return false
        }
        record.uid = status.uid
        record.gid = status.gid
        readExecutable(folder, &record)
        readNetwork(folder, &record)
        take(record, into: slot)
        return true
    }

    private mutating func take(_ record: ProcessRecord, into slot: Int) {
        let known = table.slots[slot]
        var record = record
        if known.executable == record.executable, known.arguments == record.arguments {
            record.redactedArguments = known.redactedArguments
        }
        let group = Self.group(record)
        let name = group.flatMap { applications.name(ofGroup: $0) } ?? record.ownApplication
        if name != record.application {
            if !record.application.isEmpty { applications.leave(record.application, group: group) }
            applications.join(name, group: group)
            record.application = name
        }
        table.slots[slot] = record
        if known.executable != record.executable || known.uid != record.uid || known.application != name {
            for socket in record.held { board.touch(socket.inode) }
        }
    }

    /// Looks again at the processes that were new in the last two ticks: a look between fork and exec shows the parent's
    /// executable.
    mutating func lookAgainAtYoung() {
        young.removeAll { table.slot(of: $0.process) == nil }
        for index in young.indices {
            guard let slot = table.slot(of: young[index].process), table.slots[slot].born < tickNumber else { continue }
            reidentify(slot)
            young[index].looks += 1
        }
        young.removeAll { $0.looks >= Self.looksAtYoung }
    }

    static var maximumYoung: Int { 1_024 }
    private static var looksAtYoung: Int { 2 }

    /// Reads what some processes use: those with sockets more often than the others.
    mutating func refreshResources() {
        var talkers = limits.talkersPerTick
        var others = limits.othersPerTick
        for _ in 0..<table.slots.count where talkers > 0 || others > 0 {
            resourceCursor = (resourceCursor + 1) % table.slots.count
            guard table.slots[resourceCursor].isLive, table.slots[resourceCursor].born < tickNumber else { continue }
            if table.slots[resourceCursor].held.isEmpty {
                guard others > 0 else { continue }
                others -= 1
            } else {
                guard talkers > 0 else { continue }
                talkers -= 1
            }
            sample(resourceCursor)
        }
    }

    /// Reads what every process uses.
    mutating func sampleAll() {
        for slot in table.slots.indices where table.slots[slot].isLive && table.slots[slot].born < tickNumber {
            sample(slot)
        }
    }

    /// Looks anew at some processes, so that all have their turn in ``InventoryLimits/rotationTicks``.
    mutating func rotate() {
        let share = (table.count + limits.rotationTicks - 1) / max(1, limits.rotationTicks)
        var rest = min(max(4, share), limits.rotationPerTick)
        for _ in 0..<table.slots.count where rest > 0 {
            rotationCursor = (rotationCursor + 1) % table.slots.count
            guard table.slots[rotationCursor].isLive, table.slots[rotationCursor].born < tickNumber else { continue }
            rest -= 1
            if reidentify(rotationCursor) { search(rotationCursor) }
        }
    }

    /// Checks for some listeners that whoever held them still does.
    mutating func checkListenerHolders() {
        let inodes = board.inodes
        guard !inodes.isEmpty else { return }
        let start = checkCursor % inodes.count
        let part = Array(inodes.dropFirst(start).prefix(limits.checksPerTick))
        checkCursor = start + part.count
        var stale: Set<Int> = []
        for inode in part {
            for holder in holders.holders(inode)
            where !reader.holds(holder.process.pid, holder.descriptor, inode: inode) {
                if let slot = table.slot(of: holder.process) { stale.insert(slot) }
            }
        }
        for slot in stale where table.slots[slot].searched < tickNumber { search(slot) }
    }

    /// Looks at every process anew.
    mutating func lookAtAll() {
        for slot in table.slots.indices where table.slots[slot].isLive {
            if let folder = try? reader.folder(table.slots[slot].identity.pid) { lookAgain(slot, folder) }
        }
    }

    /// What it uses, its executable, its sockets. A process that is gone is dropped by the next look at all.
    private mutating func lookAgain(_ slot: Int, _ folder: borrowing ProcfsReader.Folder) {
        guard (try? reader.read(folder, "stat")) != nil, let fields = statFields(),
            fields.startTicks == table.slots[slot].identity.startTicks
        else { return }
        if table.slots[slot].born < tickNumber {
            let isRenamed = !isSameName(fields, table.slots[slot])
            table.slots[slot].sample(
                fields, at: clock.now().nanoseconds, ticksPerSecond: ticksPerSecond, pageBytes: pageBytes)
            if isRenamed || !hasSameExecutable(slot, folder) { reidentify(slot) }
        }
        search(slot, folder)
    }

    /// Makes sure that a process still is the one it was, and what it runs: one look of some 20 µs.
    ///
    /// - Returns: False when it is gone.
    mutating func identifyAgain(_ slot: Int) -> Bool {
        guard let folder = try? reader.folder(table.slots[slot].identity.pid),
            (try? reader.read(folder, "stat")) != nil, let fields = statFields(),
            fields.startTicks == table.slots[slot].identity.startTicks
        else { return false }
        return isSameName(fields, table.slots[slot]) && hasSameExecutable(slot, folder) ? true : reidentify(slot)
    }

    private mutating func hasSameExecutable(_ slot: Int, _ folder: borrowing ProcfsReader.Folder) -> Bool {
        guard (try? reader.link(folder, "exe")) != nil else { return table.slots[slot].executable == nil }
        guard let known = table.slots[slot].executable else { return false }
        // The link of a file that was replaced on the disk has a mark behind it.
        let isPrefix = reader.buffer[..<reader.count].starts(with: known.utf8)
        return isPrefix
            && (reader.count == known.utf8.count
                || ApplicationNames.withoutDeletion(String(decoding: reader.bytes, as: UTF8.self)) == known)
    }
}
