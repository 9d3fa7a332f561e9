import DTMCore
import Glibc

/// A machine full of processes and sockets: each process is a `cat` that waits for the end of its input and holds a
/// listener and both ends of two connections to it.
///
/// Life: `start` → measured → `end`. Should the benchmark be killed, their input ends, and with it they do.
struct Crowd {
    /// A listener and two connections with two ends each.
    static let socketsPerProcess = 5

    private let input: Int32
    private let keeper: Int32
    private var members: [pid_t] = []

    /// Throws when the limits of the machine do not allow so many.
    ///
    /// - Parameter hasSockets: Otherwise they are processes and nothing else.
    static func start(processes: Int, hasSockets: Bool = true) throws(BenchmarkError) -> Crowd {
        try CrowdLimits.check(processes: processes)
        var crowd = try Crowd()
        do throws(BenchmarkError) {
            for _ in 0..<processes {
                if hasSockets { _ = try crowd.add() } else { try crowd.addSilent() }
            }
        } catch {
            crowd.end()
            throw error
        }
        return crowd
    }

    private init() throws(BenchmarkError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw BenchmarkError("pipe failed: \(systemError())") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        input = ends[0]
        keeper = ends[1]
    }

    /// One more process with its sockets.
    mutating func add(program: [String] = ["cat"], connections: Int = 2) throws(BenchmarkError) -> pid_t {
        let sockets = try LoopbackSockets(connections: connections)
        defer { sockets.close() }
        let pid = try Spawn.quietly(program, input: input, keeping: sockets.descriptors, group: members.first ?? 0)
        members.append(pid)
        return pid
    }

    /// One more process without sockets.
    private mutating func addSilent() throws(BenchmarkError) {
        members.append(try Spawn.quietly(["cat"], input: input, group: members.first ?? 0))
    }

    /// Ends one process and waits until it is gone.
    mutating func remove(_ pid: pid_t) {
        members.removeAll { $0 == pid }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    func end() {
        for member in members { kill(member, SIGKILL) }
        for member in members { waitpid(member, nil, 0) }
        close(keeper)
        close(input)
    }
}

/// Processes that hold no socket until they are woken one by one, and then connect to a listener. They end with it.
struct SilentTalkers {
    static let count = 20

    let endpoint: Endpoint
    private let listener: Int32
    private let waker: Int32
    private var members: [pid_t] = []

    init() throws(BenchmarkError) {
        let (listener, port) = try Loopback.listener()
        self.listener = listener
        endpoint = Endpoint(address: .v4(0x7f00_0001), port: UInt16(port))
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw BenchmarkError("pipe failed: \(systemError())") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        waker = ends[1]
        defer { close(ends[0]) }
        for _ in 0..<Self.count {
            members.append(
                try Spawn.quietly(["/proc/self/exe", "talker", "--after-input", "\(port)"], input: ends[0]))
        }
    }

    /// One of them, nobody can tell which, makes a connection.
    func wakeOne() throws(BenchmarkError) -> (descriptor: Int32, port: Int) {
        var byte: UInt8 = 0
        guard write(waker, &byte, 1) == 1 else { throw BenchmarkError("no talker waits: \(systemError())") }
        return try Loopback.accepted(listener)
    }

    func end() {
        close(listener)
        close(waker)
        for member in members { kill(member, SIGKILL) }
        for member in members { waitpid(member, nil, 0) }
    }
}

/// A listener on a free port of 127.0.0.1 and connections to it, both ends of each.
struct LoopbackSockets {
    private(set) var descriptors: [Int32] = []

    init(connections: Int) throws(BenchmarkError) {
        let listener = try Loopback.listener()
        descriptors = [listener.descriptor]
        for _ in 0..<connections {
            let client = Loopback.connected(port: listener.port)
            let server = client < 0 ? -1 : accept(listener.descriptor, nil, nil)
            guard server >= 0 else {
                let error = BenchmarkError("no connection on loopback: \(systemError())")
                if client >= 0 { Glibc.close(client) }
                close()
                throw error
            }
            _ = fcntl(server, F_SETFD, FD_CLOEXEC)
            descriptors += [client, server]
        }
    }

    func close() { for descriptor in descriptors { Glibc.close(descriptor) } }
}
