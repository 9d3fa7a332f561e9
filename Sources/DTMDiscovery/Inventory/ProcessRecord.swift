import DTMCore

/// What is known of one process, brought up to date piece by piece.
struct ProcessRecord {
    var identity: ProcessIdentity
    /// Of the process's folder; see ``ProcfsReader/processes(_:)``.
    var hint: UInt64
    var parent: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var name = ""
    /// The name's bytes, to see whether it changed.
    var nameBytes: (UInt64, UInt64) = (0, 0)
    var executable: String?
    var application = ""
    var cgroup = "/"
    var controlGroup: UInt64?
    var isInOtherNetwork: Bool?
    /// As `/proc/PID/cmdline` has it: secrets and all. Never leaves this module.
    var arguments: [UInt8] = []
    var redactedArguments: String?

    var state = ProcessState.unknown
    var threads = 0
    var residentBytes: UInt64 = 0
    var cpuTicks: UInt64 = 0
    var cpuPercent = 0.0
    /// In nanoseconds; 0: never.
    var sampledAt: Int64 = 0

    var descriptors: Int?
    /// Which numbers they had at the last look.
    var openNumbers = DescriptorSet()
    var held: [ProcfsReader.HeldSocket] = []
    var gaps: Set<ApplicationObservation.Gap> = []

    var isLive = true
    /// The ticks in which it was last listed, first seen, and last searched for sockets.
    var seen: UInt64 = 0
    var born: UInt64 = 0
    var searched: UInt64 = 0
    /// The tick in which it was last found to have opened or closed a socket: whoever did lately is likeliest to do it again.
    var changed: UInt64 = 0
    /// When a connection of it was asked for last, in attributions, and under which descriptor it held that; 0: never.
    var asked: UInt64 = 0
    var askedDescriptor: Int32 = -1
    /// The tick of the last news of its sockets. That it began is news too: its first sockets are still to come.
    var active: UInt64 { max(changed, born) }

    init(identity: ProcessIdentity, hint: UInt64) {
        self.identity = identity
        self.hint = hint
    }

    /// The most bytes of a command line that are kept.
    static let maximumArguments = 4_096

    var ownApplication: String { ApplicationNames.own(executable: executable, name: name) }

    /// The shortest time that a share of the processor is told of, in nanoseconds: its clock ticks are 10 ms long, and one of
    /// them in a look that follows another at once would show as several hundred percent.
    static let leastSpan: Int64 = 200_000_000

    /// Takes over what changes all the time.
    mutating func sample(_ fields: StatFields, at now: Int64, ticksPerSecond: Int64, pageBytes: UInt64) {
        if sampledAt == 0 || now - sampledAt >= Self.leastSpan {
            sampleProcessor(fields.cpuTicks, at: now, ticksPerSecond: ticksPerSecond)
        }
        state = fields.state
        parent = fields.parent
        threads = fields.threads
        residentBytes = fields.residentPages.multipliedReportingOverflow(by: pageBytes).partialValue
    }

    private mutating func sampleProcessor(_ ticks: UInt64, at now: Int64, ticksPerSecond: Int64) {
        if sampledAt > 0, ticks >= cpuTicks {
            cpuPercent = Double(ticks - cpuTicks) / Double(ticksPerSecond) / (Double(now - sampledAt) / 1e9) * 100
        }
        sampledAt = now
        cpuTicks = ticks
    }
}

/// All processes, each in a slot of its own that is used again when it is gone.
struct ProcessTable {
    var slots: [ProcessRecord] = []
    private(set) var slotOf: [Int32: Int] = [:]
    private var free: [Int] = []

    var count: Int { slotOf.count }

    subscript(pid: Int32) -> ProcessRecord? { slotOf[pid].map { slots[$0] } }

    /// The slot of a process, unless its PID is another one's by now.
    func slot(of process: ProcessIdentity) -> Int? {
        guard let slot = slotOf[process.pid], slots[slot].identity == process else { return nil }
        return slot
    }

    mutating func insert(_ record: ProcessRecord) -> Int {
        let slot: Int
        if let free = free.popLast() {
            slot = free
            slots[slot] = record
        } else {
            slot = slots.count
            slots.append(record)
        }
        slotOf[record.identity.pid] = slot
        return slot
    }

    /// Frees a slot, and what was in it.
    mutating func remove(_ slot: Int) -> ProcessRecord {
        var record = ProcessRecord(identity: ProcessIdentity(pid: 0, startTicks: 0), hint: 0)
        record.isLive = false
        swap(&slots[slot], &record)
        slotOf[record.identity.pid] = nil
        free.append(slot)
        return record
    }
}

/// How many processes each application has, and the names that services got.
struct ApplicationBook {
    private var counts: [String: Int] = [:]
    private var before: [String: Int] = [:]
    private var groups: [String: (name: String, members: Int)] = [:]

    /// The name of a service's group, once it has one.
    func name(ofGroup cgroup: String) -> String? { groups[cgroup]?.name }

    mutating func nameGroup(_ cgroup: String, _ name: String) { groups[cgroup] = (name, 0) }

    mutating func join(_ application: String, group: String?) {
        count(application, 1)
        if let group { groups[group]?.members += 1 }
    }

    mutating func leave(_ application: String, group: String?) {
        count(application, -1)
        guard let group, let known = groups[group] else { return }
        groups[group] = known.members > 1 ? (known.name, known.members - 1) : nil
    }

    private mutating func count(_ application: String, _ change: Int) {
        let known = counts[application] ?? 0
        if before[application] == nil { before[application] = known }
        counts[application] = known + change > 0 ? known + change : nil
    }

    /// What came and went since the last time.
    mutating func settle(first: (_ application: String) -> ProcessIdentity?, _ events: inout [InventoryEvent]) {
        for (application, count) in before {
            let now = counts[application] ?? 0
            if count == 0, now > 0, let process = first(application) {
                events.append(.appeared(application: application, process: process))
            }
            if count > 0, now == 0 { events.append(.gone(application: application)) }
        }
        before.removeAll(keepingCapacity: true)
    }
}
