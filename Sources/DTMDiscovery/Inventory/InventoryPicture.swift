public import DTMCore

/// What the live inventory knows at one moment, and what it does not.
public struct InventoryPicture: Hashable, Sendable {
    /// Every process that can be seen, by PID.
    public var processes: [ApplicationObservation]
    /// Listeners that no process which can be read holds: whoever made them is in their `uid`.
    public var unattributed: [ObservedListener]
    /// What the source of sockets did not tell.
    public var losses: Set<SocketLoss>
    /// How many processes could not be read in full.
    public var unreadableProcesses: Int
    /// Whether something was left out because of a maximum.
    public var isTruncated: Bool

    /// What is missing in some of the processes.
    public var gaps: Set<ApplicationObservation.Gap> { processes.reduce(into: []) { $0.formUnion($1.gaps) } }

    /// The capabilities (`capabilities(7)`) that would complete it.
    public var missingCapabilities: [String] {
        Set(gaps.flatMap(\.neededCapabilities)).sorted()
    }
}

extension ApplicationObservation.Gap {
    /// The capabilities (`capabilities(7)`) with which this can be read of any user's process.
    ///
    /// `/proc/PID/fd` is a folder that its owner alone may open (CAP_DAC_READ_SEARCH); links in it, and those to the executable
    /// and the namespaces, follow the rules of ptrace (CAP_SYS_PTRACE; `proc(5)`, `ptrace(2)`).
    public var neededCapabilities: [String] {
        switch self {
        case .executable, .network: ["CAP_SYS_PTRACE"]
        case .sockets: ["CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"]
        }
    }
}

extension LiveInventory {
    /// What is known, without another look.
    ///
    /// - Parameter withArguments: Whether to show command lines, with what looks like secrets left out.
    public mutating func picture(withArguments: Bool = false) -> InventoryPicture {
        var processes: [ApplicationObservation] = []
        processes.reserveCapacity(table.count)
        for slot in table.slots.indices where table.slots[slot].isLive {
            if withArguments, table.slots[slot].redactedArguments == nil {
                table.slots[slot].redactedArguments = ArgumentRedaction.redacted(table.slots[slot].arguments)
            }
            var observation = observation(table.slots[slot])
            if !withArguments { observation.redactedArguments = nil }
            processes.append(observation)
        }
        processes.sort { $0.pid < $1.pid }
        return InventoryPicture(
            processes: processes, unattributed: unattributed, losses: source.losses,
            unreadableProcesses: processes.count { !$0.gaps.isEmpty },
            isTruncated: wasTruncated || holders.wasTruncated || board.wasTruncated || listeners.wasTruncated
                || streams.wasTruncated || datagrams.wasTruncated)
    }

    private var unattributed: [ObservedListener] {
        board.inodes.filter { !holders.isHeld($0) }.sorted().compactMap { inode in
            listeners[inode]?.listener ?? unix[inode]?.listener
        }
    }

    private mutating func observation(_ record: ProcessRecord) -> ApplicationObservation {
        var observation = ApplicationObservation(
            pid: record.identity.pid, startTicks: record.identity.startTicks,
            startedAt: startTime(record.identity.startTicks), parent: record.parent, name: record.name,
            application: record.application, executable: record.executable, uid: record.uid, gid: record.gid,
            user: userName(record.uid), state: record.state, cpuPercent: record.cpuPercent,
            residentBytes: record.residentBytes, threads: record.threads, cgroup: record.cgroup, gaps: record.gaps)
        observation.openDescriptors = record.descriptors
        observation.redactedArguments = record.redactedArguments
        observation.unit = ControlGroup.unit(record.cgroup)
        observation.container = ControlGroup.container(record.cgroup).map { "\($0.runtime.rawValue):\($0.id)" }
        observation.isInOtherNetwork = record.isInOtherNetwork
        var previous: UInt64?
        for socket in record.held where socket.inode != previous {
            previous = socket.inode
            if let listener = listeners[socket.inode]?.listener ?? unix[socket.inode]?.listener {
                observation.listeners.append(listener)
            } else if let row = streams[socket.inode] ?? datagrams[socket.inode] {
                observation.connections.append(connection(row))
            }
        }
        return observation
    }

    private func connection(_ row: SocketRow) -> ObservedConnection {
        let peer = ends[row.ends.reversed].flatMap { holders.earliest($0) }?.process.pid
        return ObservedConnection(
            transport: row.transport, local: row.local, remote: row.remote, peerPID: peer, state: row.state,
            bytesIn: row.counters?.bytesReceived, bytesOut: row.counters?.bytesAcknowledged,
            roundTripMicroseconds: row.counters?.roundTripMicroseconds, inode: row.inode)
    }

    private mutating func userName(_ uid: UInt32) -> String {
        if let known = users[uid] { return known }
        let name = userNames.name(of: uid) ?? String(uid)
        if users.count < 4_096 { users[uid] = name }
        return name
    }

    private func startTime(_ ticks: UInt64) -> Timestamp {
        let seconds = Int64(clamping: ticks / UInt64(ticksPerSecond))
        let rest = Int64(ticks % UInt64(ticksPerSecond)) * 1_000_000_000 / ticksPerSecond
        return Timestamp(nanoseconds: anchor.offsetNanoseconds &+ seconds &* 1_000_000_000 &+ rest)
    }
}
