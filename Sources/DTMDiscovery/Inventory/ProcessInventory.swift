public import DTMCore
import Glibc

/// What runs on this host and who talks to whom, from /proc.
///
/// Construct one, keep it, and take a snapshot now and then; it remembers the processor times of the last one.
/// Processes that end midway are left out; what can't be read for want of rights is marked in the observation.
public struct ProcessInventory: Sendable {
    private struct Sample {
        var startTicks: UInt64
        var cpuTicks: UInt64
    }

    var files: ProcessFileSystem
    private let anchor: ClockAnchor
    private let clock: any TimeSource
    private let userNames: any UserNames
    private let ticksPerSecond: Int64
    private var samples: [Int32: Sample] = [:]
    private var sampledAt: Timestamp?

    /// - Parameters:
    ///   - root: Where the process file system is mounted.
    ///   - anchor: Ties the start of processes, which the kernel counts from boot, to the manager's steady time.
    ///   - clock: The time between two snapshots. By default the steady time of `anchor`.
    public init(
        root: String = "/proc", anchor: ClockAnchor = .current(), clock: (any TimeSource)? = nil,
        userNames: any UserNames = LibcUserNames()
    ) {
        files = ProcessFileSystem(root: root)
        self.anchor = anchor
        self.clock = clock ?? AnchoredClock(anchor: anchor)
        self.userNames = userNames
        ticksPerSecond = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    }

    /// Every process that can be seen, by PID.
    ///
    /// - Throws: ``DiscoveryError`` when the process table as a whole can't be read.
    public mutating func snapshot() throws(DiscoveryError) -> [ApplicationObservation] {
        let now = clock.now()
        let readings = try readings()
        var observations = assemble(readings, sockets: Sockets(files))
        let elapsed = sampledAt.map { (now - $0).inSeconds } ?? 0
        for index in observations.indices {
            observations[index].cpuPercent = cpuPercent(of: readings[index].stat, over: elapsed)
        }
        remember(readings, at: now)
        return observations
    }

    func readings() throws(DiscoveryError) -> [ProcessReading] {
        do {
            return try files.numberedEntries("").compactMap { ProcessReading(pid: $0, files: files) }
        } catch {
            throw .processTableUnreadable(files.root, "\(error)")
        }
    }

    /// Observations in the order of `readings`.
    func assemble(_ readings: [ProcessReading], sockets: Sockets) -> [ApplicationObservation] {
        let applications = ApplicationNames.names(readings)
        var users: [UInt32: String] = [:]
        var observations = readings.map { reading in
            let uid = reading.status.uid
            let user = users[uid] ?? userNames.name(of: uid) ?? String(uid)
            users[uid] = user
            return observation(
                reading, application: applications[reading.stat.pid] ?? reading.ownApplication, user: user,
                sockets: sockets)
        }
        Self.matchPeers(&observations)
        return observations
    }

    private func observation(
        _ reading: ProcessReading, application: String, user: String, sockets: Sockets
    ) -> ApplicationObservation {
        let stat = reading.stat
        var observation = ApplicationObservation(
            pid: stat.pid, startTicks: stat.startTicks, startedAt: startTime(stat.startTicks), parent: stat.parent,
            name: stat.name, application: application, executable: reading.executable, uid: reading.status.uid,
            gid: reading.status.gid, user: user, state: stat.state, residentBytes: reading.status.residentBytes,
            threads: stat.threads, cgroup: reading.cgroup, gaps: reading.gaps)
        do {
            let inodes = try files.socketInodes(of: stat.pid)
            observation.listeners = sockets.listeners(inodes)
            observation.connections = sockets.connections(inodes)
        } catch {
            if error == .notPermitted { observation.gaps.insert(.sockets) }
        }
        return observation
    }

    private func startTime(_ ticks: UInt64) -> Timestamp {
        let seconds = Int64(clamping: ticks / UInt64(ticksPerSecond))
        let rest = Int64(ticks % UInt64(ticksPerSecond)) * 1_000_000_000 / ticksPerSecond
        return Timestamp(nanoseconds: anchor.offsetNanoseconds &+ seconds &* 1_000_000_000 &+ rest)
    }

    /// Both ends of a connection on this host name each other.
    private static func matchPeers(_ observations: inout [ApplicationObservation]) {
        struct Ends: Hashable {
            var local: Endpoint
            var remote: Endpoint
            var isTCP: Bool

            init(_ local: Endpoint, _ remote: Endpoint, _ transport: SocketTransport) {
                self.local = Endpoint(address: local.address.unmapped, port: local.port)
                self.remote = Endpoint(address: remote.address.unmapped, port: remote.port)
                isTCP = transport == .tcp || transport == .tcp6
            }
        }
        var owners: [Ends: Int32] = [:]
        for observation in observations {
            for connection in observation.connections {
                owners[Ends(connection.local, connection.remote, connection.transport)] = observation.pid
            }
        }
        for index in observations.indices {
            for position in observations[index].connections.indices {
                let connection = observations[index].connections[position]
                let peer = owners[Ends(connection.remote, connection.local, connection.transport)]
                observations[index].connections[position].peerPID = peer
            }
        }
    }
}

extension ProcessInventory {
    private func cpuPercent(of stat: ProcessStat, over seconds: Double) -> Double {
        guard seconds > 0, let sample = samples[stat.pid], sample.startTicks == stat.startTicks,
            stat.cpuTicks >= sample.cpuTicks
        else { return 0 }
        return Double(stat.cpuTicks - sample.cpuTicks) / Double(ticksPerSecond) / seconds * 100
    }

    private mutating func remember(_ readings: [ProcessReading], at now: Timestamp) {
        sampledAt = now
        samples = readings.reduce(into: [:]) { samples, reading in
            samples[reading.stat.pid] = Sample(startTicks: reading.stat.startTicks, cpuTicks: reading.stat.cpuTicks)
        }
    }
}
