import DTMCore
import DTMDiscovery
import Glibc

/// Measures discovery on a machine with a crowd of processes.
struct CrowdRun {
    let scale: Scale
    /// Told what happens, for a person who waits.
    let progress: (String) -> Void

    private static let talkers = 8
    /// Processes that begin before each tick of the churn: one with a listener, one with a connection to it as well.
    private static let arrivals = 2

    func run() throws -> CrowdSamples {
        var samples = CrowdSamples()
        let silent = try SilentTalkers()
        defer { silent.end() }
        var crowd = try Crowd.start(processes: scale.crowdProcesses)
        defer { crowd.end() }
        var inventory = try LiveInventory()
        for _ in 0..<3 { _ = try inventory.tick() }
        let picture = inventory.picture()
        try count(picture, into: &samples)
        progress("\(samples.processes) processes, \(samples.sockets) sockets")
        try refreshes(&inventory, &samples)
        samples.ticks = try SteadyTicks.costs(&inventory, seconds: scale.discoverySeconds)
        progress("tick: \(text(samples.ticks)) ms")
        try knownConnections(of: picture, &inventory, &samples)
        try newConnections(&inventory, &samples)
        try firstConnections(of: silent, &inventory, &samples)
        try churn(&crowd, &inventory, &samples)
        return samples
    }

    /// Throws when less is seen than there is: then the figures would be too good.
    private func count(_ picture: InventoryPicture, into samples: inout CrowdSamples) throws {
        let wanted = scale.crowdProcesses * Crowd.socketsPerProcess
        samples.processes = picture.processes.count
        samples.sockets = picture.processes.reduce(0) { $0 + $1.listeners.count + $1.connections.count }
        guard samples.processes >= scale.crowdProcesses, samples.sockets >= wanted, !picture.isTruncated else {
            throw BenchmarkError(
                "discovery sees \(samples.processes) processes with \(samples.sockets) sockets where there are "
                    + "\(scale.crowdProcesses) with \(wanted)")
        }
    }

    /// In turn with `ss`, so that what changes on the machine meanwhile meets both.
    private func refreshes(_ inventory: inout LiveInventory, _ samples: inout CrowdSamples) throws {
        for _ in 1...scale.discoveryRefreshes {
            let (cost, status) = ProcessorTime.untilEnd(of: try Spawn.quietly(["ss", "-tanpi"]))
            guard status == 0 else { throw BenchmarkError("`ss -tanpi` failed: install iproute2") }
            samples.ss.append(cost)
            let before = ProcessorTime.thread
            _ = try inventory.refresh()
            samples.refreshes.append(ProcessorTime.thread - before)
        }
        progress("refresh: \(text(samples.refreshes)) ms, ss -tanpi: \(text(samples.ss)) ms")
    }

    /// Connections that the last look found, in random order.
    private func knownConnections(
        of picture: InventoryPicture, _ inventory: inout LiveInventory, _ samples: inout CrowdSamples
    ) throws {
        let known = picture.processes.flatMap { process in process.connections.map { (process.pid, $0) } }
            .filter { $0.1.transport == .tcp }.shuffled().prefix(2_000)
        for (pid, connection) in known {
            let start = ProcessorTime.thread
            _ = inventory.attribute(local: connection.local, remote: connection.remote, search: .none)
            let middle = ProcessorTime.thread
            let found = inventory.attribute(local: connection.local, remote: connection.remote)
            samples.owners.append(middle - start)
            samples.holders.append(ProcessorTime.thread - middle)
            try check(found, pid: pid, &samples)
        }
        progress("attribution: \(text(samples.owners)) ms without, \(text(samples.holders)) ms with the process")
    }

    /// Connections that a few processes of the crowd have just made, as they arrive at a tunnel.
    private func newConnections(_ inventory: inout LiveInventory, _ samples: inout CrowdSamples) throws {
        let listener = try Loopback.listener()
        var talkers: [pid_t] = []
        defer {
            close(listener.descriptor)
            for talker in talkers { _ = ProcessorTime.untilEnd(of: talker) }
        }
        for _ in 0..<Self.talkers {
            talkers.append(try Spawn.quietly(["/proc/self/exe", "talker", "\(listener.port)"]))
        }
        let local = Endpoint(address: .v4(0x7f00_0001), port: UInt16(listener.port))
        for round in 0..<400 {
            let (connection, port) = try Loopback.accepted(listener.descriptor)
            defer { close(connection) }
            let pid = try name(on: connection)
            // The talkers are known before they are asked for.
            if round.isMultiple(of: 50) { _ = try inventory.tick() }
            guard round >= 50 else { continue }
            let remote = Endpoint(address: .v4(0x7f00_0001), port: UInt16(port))
            let before = ProcessorTime.thread
            let found = inventory.attribute(local: remote, remote: local)
            samples.newHolders.append(ProcessorTime.thread - before)
            try check(found, pid: pid, &samples)
        }
        progress("attribution of new connections: \(text(samples.newHolders)) ms")
    }

    /// The first connection of processes that are known as long as the crowd is, and never held a socket.
    private func firstConnections(
        of silent: SilentTalkers, _ inventory: inout LiveInventory, _ samples: inout CrowdSamples
    ) throws {
        for _ in 0..<SilentTalkers.count {
            let (connection, port) = try silent.wakeOne()
            defer { close(connection) }
            let pid = try name(on: connection)
            let remote = Endpoint(address: .v4(0x7f00_0001), port: UInt16(port))
            let before = ProcessorTime.thread
            let found = inventory.attribute(local: remote, remote: silent.endpoint)
            samples.firstHolders.append(ProcessorTime.thread - before)
            try check(found, pid: pid, &samples)
            // So that the budget of searches is what it is in a manager, which does not ask a thousand times a second.
            usleep(50_000)
        }
        progress("attribution of first connections: \(text(samples.firstHolders)) ms")
    }

    private func name(on connection: Int32) throws -> pid_t {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = read(connection, &bytes, bytes.count)
        guard count > 0, let pid = pid_t(String(decoding: bytes[..<(count - 1)], as: UTF8.self)) else {
            throw BenchmarkError("a talker did not say who it is")
        }
        return pid
    }

    /// A process that was not found counts; a wrong one ends the benchmark.
    private func check(
        _ found: ConnectionAttribution, pid: pid_t, _ samples: inout CrowdSamples
    ) throws {
        if found.holders.isEmpty { samples.unanswered += 1 }
        guard found.holders.allSatisfy({ $0.process.pid == pid }) else {
            throw BenchmarkError("a connection of process \(pid) was attributed to \(found.holders.map(\.process.pid))")
        }
    }

    /// Ticks without a pause while a shell starts one short program after another, and processes with listeners and
    /// connections come and go, each for a few ticks.
    private func churn(
        _ crowd: inout Crowd, _ inventory: inout LiveInventory, _ samples: inout CrowdSamples
    ) throws {
        _ = try crowd.add(program: ["sh", "-c", "while [ -d /proc/\(getpid()) ]; do /bin/true; done"], connections: 0)
        // Until every table has reached its size: the places that nobody listens at any more are the last.
        let settling = scale.churnTicks / 4
        var passing: [pid_t] = []
        let clock = Stopwatch()
        let before = HostCounters.processesBegun
        for tick in 1...(settling + scale.churnTicks) {
            for connections in 0..<Self.arrivals { passing.append(try crowd.add(connections: connections)) }
            while passing.count > 4 * Self.arrivals { crowd.remove(passing.removeFirst()) }
            let start = ProcessorTime.thread
            _ = try inventory.tick()
            guard tick >= settling else { continue }
            if tick > settling { samples.churnTicks.append(ProcessorTime.thread - start) }
            if (tick - settling).isMultiple(of: scale.churnTicks / 10) {
                samples.residents.append(ProcessTree.residentBytes(of: getpid()) ?? .nan)
                samples.noteChurnProcesses(ProcFile.processes().count)
            }
        }
        samples.churnRate = Double(HostCounters.processesBegun - before) / clock.seconds
        progress("churn: \(text(samples.churnTicks)) ms a tick, \(Figure.text(clock.seconds)) s")
    }

    private func text(_ values: [Double]) -> String { Figure.text(Statistics.median(values) ?? .nan) }
}

/// What the kernel counts from boot.
enum HostCounters {
    /// Processes and threads: `processes` in `/proc/stat`, proc(5).
    static var processesBegun: Int {
        let line = ProcFile.read("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("processes ") }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }
}

/// Ticks as the manager makes them.
enum SteadyTicks {
    /// CPU milliseconds of ticks a second apart.
    static func costs(_ inventory: inout LiveInventory, seconds: Int) throws -> [Double] {
        var costs: [Double] = []
        for _ in 0..<seconds {
            usleep(1_000_000)
            let before = ProcessorTime.thread
            _ = try inventory.tick()
            costs.append(ProcessorTime.thread - before)
        }
        return costs
    }
}
