import CDTMLinux
import DTMCore

extension LiveInventory {
    /// The process of a PID as it is now; nil when there is none.
    ///
    /// For a peer of a Unix socket (`SO_PEERCRED`, `unix(7)`), which names a PID: whoever has it by now need not be who
    /// connected, so this is for peers that are connected still.
    public mutating func holder(pid: Int32) -> ConnectionAttribution.Holder? {
        if table.slotOf[pid] == nil, (try? followNow()) == nil { return nil }
        guard let slot = table.slotOf[pid], identifyAgain(slot) else { return nil }
        let record = table.slots[slot]
        return ConnectionAttribution.Holder(
            process: record.identity, uid: record.uid, gid: record.gid, executable: record.executable,
            application: record.application)
    }

    /// The path of a process's control group in the unified hierarchy; nil when the process is not known.
    public func controlGroup(of process: ProcessIdentity) -> String? {
        table.slot(of: process).map { table.slots[$0].cgroup }
    }

    /// The path of a process's executable, if what runs is the very file that this process finds at that path.
    ///
    /// The path alone can be made up: in a mount namespace of his own, which user namespaces give to anybody, a user may
    /// put any file at any path, and `/proc/PID/exe` shows it so. Nil too for a file that was removed or exchanged since the
    /// process began.
    public func executableInPlace(of process: ProcessIdentity) -> String? {
        guard let slot = table.slot(of: process), let path = table.slots[slot].executable else { return nil }
        var running = dtm_file_facts()
        var there = dtm_file_facts()
        guard dtm_file_facts("\(root)/\(process.pid)/exe", 1, &running) == 0, dtm_file_facts(path, 1, &there) == 0,
            running.device == there.device, running.inode == there.inode
        else { return nil }
        return path
    }
}
