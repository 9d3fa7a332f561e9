public import DTMCore
import Glibc

/// What runs on this host and who talks to whom, kept up to date at little cost.
///
/// Construct one, keep it on one thread, and call ``tick()`` about once a second: it looks at what may have changed and returns
/// what did. ``refresh(withCounters:)`` looks at everything, and ``picture(withArguments:)`` shows what is known.
/// ``attribute(local:remote:search:)`` tells who is behind one connection. Nothing it keeps grows with time: every table has a
/// maximum, and what was left out is marked in the picture.
///
/// A failure to read one process or one socket is no error: processes end at any time. What can't be read for want of
/// rights is marked.
public struct LiveInventory: ~Copyable {
    let limits: InventoryLimits
    /// Where the process file system is mounted.
    let root: String
    var reader: ProcfsReader
    var source: SocketSource
    let anchor: ClockAnchor
    let clock: any TimeSource
    let userNames: any UserNames
    let ticksPerSecond: Int64
    let pageBytes: UInt64

    var table = ProcessTable()
    var holders: HolderIndex
    var listeners: SocketRegistry
    var datagrams: SocketRegistry
    var streams: SocketRegistry
    var unix = UnixRegistry()
    var board: ListenerBoard
    var applications = ApplicationBook()
    var controlGroups: ControlGroupIDs
    var users: [UInt32: String] = [:]

    /// Sockets whose holders are not known yet.
    var pending: [UInt64: PendingSearch] = [:]
    /// Both ends of every connection, to find the other end of one on this host.
    var ends: [SocketEnds: UInt64] = [:]
    /// TCP listeners by port.
    var ports: [UInt16: [UInt64]] = [:]
    /// Connections to listeners whose peers are not told yet, with the number of attempts.
    var accepted: [UInt64: Int] = [:]
    /// Processes that were seen lately for the first time, and in how many ticks they were looked at again: most programs
    /// change their executable soon after fork.
    var young: [(process: ProcessIdentity, looks: Int)] = []
    var newcomers: [Int] = []
    /// Who made the connections that were asked for last.
    var recentCallers: [ProcessIdentity] = []
    /// How many connections were asked for whose holder was found.
    var askedCount: UInt64 = 0
    var searchBudget: SearchBudget

    var tickNumber: UInt64 = 0
    var events: [InventoryEvent] = []
    /// When connections are listed next, and what that cost last time, in nanoseconds.
    var connectionsDue: UInt64 = 0
    public internal(set) var connectionListCost: Int64 = 0
    var resourceCursor = 0
    var rotationCursor = 0
    var checkCursor = 0
    var ownNetwork: [UInt8] = []
    var wasTruncated = false
    /// The number of tasks and the last PID at the last list of processes.
    var taskMark: [UInt8]?
    /// The tick of that list.
    var listTick: UInt64 = 0
    /// The same of a later moment, at which the processes still were the same as the kernel told.
    var quietMark: [UInt8]?
    /// Whether the kernel told that a process began, or something was lost, since that list; or there was none yet.
    var isListWanted = true

    /// Nil: the kernel does not tell, and lists have to do.
    var processEvents: ProcessEventChannel?
    var hints = ProcessHints()
    /// Processes that are said to have changed and were not looked at since.
    var changed: Set<Int32> = []
    /// Processes that are said to have ended and are in the table still.
    var ended: Set<Int32> = []
    /// How many processes began and ended between two looks, at least: those of which the kernel told, see ``hasProcessEvents``.
    public internal(set) var briefProcesses: UInt64 = 0

    // Used again in each look.
    var listed: [(pid: Int32, hint: UInt64)] = []
    var rows: [SocketRow] = []
    var otherRows: [SocketRow] = []
    var unixRows: [UnixListenerRow] = []
    var found: [ProcfsReader.HeldSocket] = []

    /// A socket that is searched for.
    struct PendingSearch {
        /// The tick in which it was first seen: a search before can't have found it.
        var born: UInt64
        var attempts = 0
        var due: UInt64
    }

    /// - Parameters:
    ///   - root: Where the process file system is mounted. Netlink is used with the real one alone.
    ///   - anchor: Ties the start of processes, which the kernel counts from boot, to the manager's steady time.
    ///   - clock: The time between two looks. By default the steady time of `anchor`.
    ///   - useNetlink: False reads the tables in /proc/net, as happens by itself where netlink is not allowed.
    ///   - useProcessEvents: False does without the kernel's events of processes, as happens by itself where they are not allowed.
    /// - Throws: ``DiscoveryError`` when there is no such file system.
    public init(
        root: String = "/proc", anchor: ClockAnchor = .current(), clock: (any TimeSource)? = nil,
        userNames: any UserNames = LibcUserNames(), limits: InventoryLimits = InventoryLimits(),
        useNetlink: Bool? = nil, useProcessEvents: Bool? = nil
    ) throws(DiscoveryError) {
        do {
            reader = try ProcfsReader(root: root)
        } catch {
            throw .processTableUnreadable(root, "\(error)")
        }
        source = SocketSource(root: root, limit: limits.sockets, useNetlink: useNetlink ?? (root == "/proc"))
        self.limits = limits
        self.root = root
        self.anchor = anchor
        self.clock = clock ?? AnchoredClock(anchor: anchor)
        self.userNames = userNames
        ticksPerSecond = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        pageBytes = UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
        holders = HolderIndex(limit: limits.holders)
        listeners = SocketRegistry(limit: limits.sockets)
        datagrams = SocketRegistry(limit: limits.sockets)
        streams = SocketRegistry(limit: limits.sockets)
        board = ListenerBoard(limits: limits)
        searchBudget = SearchBudget(limits: limits)
        controlGroups = ControlGroupIDs(candidates: root == "/proc" ? ControlGroupIDs.mounts : [])
        if useProcessEvents ?? (root == "/proc") { processEvents = try? ProcessEventChannel.open() }
        if let folder = try? reader.folder(getpid()), (try? reader.link(folder, "ns/net")) != nil {
            ownNetwork = reader.bytes
        }
    }

    /// Looks at what may have changed, in a bounded time.
    ///
    /// - Returns: What did. The first time that is all there is.
    /// - Throws: ``DiscoveryError`` when the process table as a whole can't be read; what is known stays.
    public mutating func tick() throws(DiscoveryError) -> [InventoryEvent] {
        try look(.steady)
    }

    /// Looks at everything: every process with its descriptors, every socket.
    ///
    /// - Parameter withCounters: Whether to ask for byte counts and round-trip times as well.
    /// - Returns: What changed.
    /// - Throws: ``DiscoveryError`` when the process table as a whole can't be read; what is known stays.
    public mutating func refresh(withCounters: Bool = true) throws(DiscoveryError) -> [InventoryEvent] {
        try look(.full(withCounters: withCounters))
    }

    /// Looks at what may have changed, as ``tick()`` does, and besides at what each process uses and each connection carried:
    /// for whoever shows it all again and again. Costs a fifth of ``refresh(withCounters:)``, as it searches the descriptors of
    /// those processes alone that may have news.
    ///
    /// - Returns: What changed.
    /// - Throws: ``DiscoveryError`` when the process table as a whole can't be read; what is known stays.
    public mutating func survey() throws(DiscoveryError) -> [InventoryEvent] {
        try look(.survey)
    }

    private enum Extent {
        case steady
        case survey
        case full(withCounters: Bool)
    }

    private mutating func look(_ extent: Extent) throws(DiscoveryError) -> [InventoryEvent] {
        tickNumber += 1
        events.removeAll(keepingCapacity: true)
        try followProcesses()
        nameNewcomers()
        listSockets()
        switch extent {
        case .steady:
            listConnections(withCounters: false, onlyIfDue: true)
            searchNewcomers()
            lookAtChanged()
            searchPending()
            lookAgainAtYoung()
            refreshResources()
            rotate()
            checkListenerHolders()
        case .survey:
            listConnections(withCounters: true, onlyIfDue: false)
            searchNewcomers()
            lookAtChanged()
            searchPending()
            sampleAll()
        case .full(let withCounters):
            listConnections(withCounters: withCounters, onlyIfDue: false)
            lookAtAll()
            lookAtChanged()
            searchPending()
        }
        settle()
        return events
    }

    private mutating func settle() {
        meetPeers()
        let table = table
        let holders = holders
        board.settle(tick: tickNumber, owner: { Self.owner($0, holders, table) }, &events)
        applications.settle(
            first: { name in
                table.slots.lazy.filter { $0.isLive && $0.application == name }.map(\.identity)
                    .min { ($0.startTicks, $0.pid) < ($1.startTicks, $1.pid) }
            }, &events)
        if tickNumber % 256 == 0 {
            let used = Set(table.slots.lazy.filter(\.isLive).map(\.cgroup))
            controlGroups.prune { used.contains($0) }
        }
    }

    static func owner(_ inode: UInt64, _ holders: HolderIndex, _ table: ProcessTable) -> ListenerOwner? {
        guard let holder = holders.earliest(inode), let slot = table.slot(of: holder.process) else { return nil }
        let record = table.slots[slot]
        return ListenerOwner(
            process: record.identity, uid: record.uid, executable: record.executable, application: record.application)
    }
}
