import DTMCore
import Glibc

extension LiveInventory {
    /// Brings the set of processes up to date: new ones are read, those that are gone dropped.
    mutating func followProcesses() throws(DiscoveryError) {
        newcomers.removeAll { table.slots[$0].searched > 0 }
        // Read before the list: what changes while it is made then shows in the next mark.
        let mark = reader.taskMark()
        let heard = hear()
        if let mark, isUnchanged(heard, mark) { return }
        var listed: [(pid: Int32, hint: UInt64)] = []
        swap(&listed, &self.listed)
        defer { swap(&listed, &self.listed) }
        listed.removeAll(keepingCapacity: true)
        do {
            try reader.processes { listed.append(($0, $1)) }
        } catch {
            throw .processTableUnreadable(reader.root, "\(error)")
        }
        noteList(mark)
        defer { settleEnds() }
        var alive = 0
        for entry in listed where follow(entry.pid, entry.hint) { alive += 1 }
        // Whoever could not be read is tried again.
        if alive < listed.count { isListWanted = true }
        guard table.count > alive else { return }
        for slot in table.slots.indices where table.slots[slot].isLive && table.slots[slot].seen != tickNumber {
            drop(slot)
        }
    }

    /// Follows between two ticks. New processes stay new until the next one has announced them.
    mutating func followNow() throws(DiscoveryError) {
        tickNumber += 1
        try followProcesses()
        nameNewcomers()
    }

    /// - Returns: Whether it is in the table.
    private mutating func follow(_ pid: Int32, _ hint: UInt64) -> Bool {
        guard let slot = table.slotOf[pid] else { return admit(pid, hint) }
        table.slots[slot].seen = tickNumber
        if table.slots[slot].hint == hint { return true }
        // Another process, or the kernel made the folder anew.
        if (try? reader.read(pid, "stat")) != nil, let fields = statFields(),
            fields.startTicks == table.slots[slot].identity.startTicks
        {
            table.slots[slot].hint = hint
            return true
        }
        drop(slot)
        return admit(pid, hint)
    }

    private mutating func admit(_ pid: Int32, _ hint: UInt64) -> Bool {
        guard table.count < limits.processes else {
            wasTruncated = true
            return false
        }
        guard let record = read(pid, hint) else { return false }
        newcomers.append(table.insert(record))
        if young.count < Self.maximumYoung { young.append((record.identity, 0)) }
        return true
    }

    func statFields() -> StatFields? { StatFields(reader.buffer.span.extracting(first: reader.count)) }

    /// All about one process but its sockets; nil when it is gone.
    private mutating func read(_ pid: Int32, _ hint: UInt64) -> ProcessRecord? {
        guard let folder = try? reader.folder(pid), (try? reader.read(folder, "stat")) != nil,
            let fields = statFields()
        else { return nil }
        var record = ProcessRecord(identity: ProcessIdentity(pid: pid, startTicks: fields.startTicks), hint: hint)
        record.seen = tickNumber
        record.born = tickNumber
        record.sample(fields, at: clock.now().nanoseconds, ticksPerSecond: ticksPerSecond, pageBytes: pageBytes)
        record.nameBytes = (fields.nameHead, fields.nameTail)
        record.name = ByteFields.printable(reader.buffer[fields.name])
        guard (try? reader.read(folder, "status")) != nil, let status = ProcessStatus(reader.bytes) else { return nil }
        record.uid = status.uid
        record.gid = status.gid
        if status.residentBytes > 0 { record.residentBytes = status.residentBytes }
        record.cgroup = (try? reader.read(folder, "cgroup")) == nil ? "/" : ControlGroup.path(reader.bytes)
        record.controlGroup = controlGroups.id(of: record.cgroup)
        readExecutable(folder, &record)
        readNetwork(folder, &record)
        return record
    }

    func isSameName(_ fields: StatFields, _ record: ProcessRecord) -> Bool {
        record.nameBytes.0 == fields.nameHead && record.nameBytes.1 == fields.nameTail
    }

    /// The executable, and the command line that came with it.
    mutating func readExecutable(_ folder: borrowing ProcfsReader.Folder, _ record: inout ProcessRecord) {
        do throws(ProcfsReader.Failure) {
            try reader.link(folder, "exe")
            record.gaps.remove(.executable)
            record.executable = ApplicationNames.withoutDeletion(String(decoding: reader.bytes, as: UTF8.self))
        } catch {
            // A thread of the kernel has no executable and answers ENOENT.
            record.executable = nil
            if error == .notPermitted { record.gaps.insert(.executable) }
        }
        record.arguments = []
        record.redactedArguments = nil
        if (try? reader.read(folder, "cmdline")) != nil {
            record.arguments = Array(reader.buffer[..<min(reader.count, ProcessRecord.maximumArguments)])
        }
    }

    /// Whether it is in another network namespace (`network_namespaces(7)`): then its sockets are in no table of ours.
    mutating func readNetwork(_ folder: borrowing ProcfsReader.Folder, _ record: inout ProcessRecord) {
        guard !ownNetwork.isEmpty else { return }
        do throws(ProcfsReader.Failure) {
            try reader.link(folder, "ns/net")
            record.gaps.remove(.network)
            record.isInOtherNetwork = !reader.buffer[..<reader.count].elementsEqual(ownNetwork)
        } catch {
            if error == .notPermitted { record.gaps.insert(.network) }
        }
    }

    /// Takes a process out of the picture.
    mutating func drop(_ slot: Int) {
        let record = table.remove(slot)
        newcomers.removeAll { $0 == slot }
        for socket in record.held { release(socket.inode, record.identity) }
        if !record.application.isEmpty { applications.leave(record.application, group: Self.group(record)) }
    }

    /// The group that a process has its application's name from.
    static func group(_ record: ProcessRecord) -> String? {
        ControlGroup.service(record.cgroup) == nil ? nil : record.cgroup
    }

    /// Names the new processes: those of a service by its first process, and a service keeps its name as long as one of
    /// them lives.
    mutating func nameNewcomers() {
        var leaders: [String: Int] = [:]
        for slot in newcomers where table.slots[slot].application.isEmpty {
            let record = table.slots[slot]
            guard let group = Self.group(record), applications.name(ofGroup: group) == nil else { continue }
            if let leader = leaders[group], !Self.isEarlier(record, than: table.slots[leader]) { continue }
            leaders[group] = slot
        }
        for (group, slot) in leaders { applications.nameGroup(group, table.slots[slot].ownApplication) }
        for slot in newcomers where table.slots[slot].application.isEmpty {
            let group = Self.group(table.slots[slot])
            let name = group.flatMap { applications.name(ofGroup: $0) } ?? table.slots[slot].ownApplication
            table.slots[slot].application = name
            applications.join(name, group: group)
        }
    }

    private static func isEarlier(_ left: ProcessRecord, than right: ProcessRecord) -> Bool {
        (left.identity.startTicks, left.identity.pid) < (right.identity.startTicks, right.identity.pid)
    }
}
