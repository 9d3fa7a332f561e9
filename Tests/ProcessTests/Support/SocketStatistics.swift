import Testing

/// A socket with the processes that hold it, as `ss(8)` or `dtm apps` shows it.
struct ShownSocket: Hashable, CustomStringConvertible {
    /// `tcp` or `unix`.
    var family: String
    var local: String
    /// Empty for a listener.
    var remote = ""

    var description: String { "\(family) \(local) \(remote)" }
}

/// What `ss` and `ps` say, an opinion that owes nothing to DTM.
struct SocketStatistics {
    /// The processes that hold each socket.
    private(set) var holders: [ShownSocket: Set<Int32>] = [:]

    /// Asks `ss` for TCP listeners and established connections, and for Unix listeners.
    init(in directory: TestDirectory) throws {
        let tcp = try run("ss", ["-Htanpi"], in: directory)
        let unix = try run("ss", ["-Hxlp"], in: directory)
        try #require(tcp.status == 0 && unix.status == 0, "\(tcp.errors) \(unix.errors)")
        for line in tcp.output.split(separator: "\n") { readTCP(line.split(separator: " ")) }
        for line in unix.output.split(separator: "\n") { readUnix(line.split(separator: " ")) }
    }

    /// Of some processes alone, and sockets that have some.
    func limited(to pids: Set<Int32>) -> [ShownSocket: Set<Int32>] {
        holders.compactMapValues { $0.isDisjoint(with: pids) ? nil : $0 }
    }

    /// `LISTEN 0 511 127.0.0.1:80 0.0.0.0:* users:(("nginx",pid=1,fd=6))`, and what follows of the connection.
    private mutating func readTCP(_ fields: [Substring]) {
        guard fields.count >= 6, ["LISTEN", "ESTAB"].contains(fields[0]) else { return }
        let remote = fields[0] == "LISTEN" ? "" : String(fields[4])
        add(ShownSocket(family: "tcp", local: String(fields[3]), remote: remote), fields)
    }

    /// `u_str LISTEN 0 5 /run/x.sock 4711 * 0 users:(("socat",pid=1,fd=5))`
    private mutating func readUnix(_ fields: [Substring]) {
        guard fields.count >= 9, fields[1] == "LISTEN" else { return }
        add(ShownSocket(family: "unix", local: String(fields[4])), fields)
    }

    private mutating func add(_ socket: ShownSocket, _ fields: [Substring]) {
        guard let users = fields.first(where: { $0.hasPrefix("users:") }) else { return }
        let pids = users.split(separator: ",").filter { $0.hasPrefix("pid=") }.compactMap { Int32($0.dropFirst(4)) }
        holders[socket, default: []].formUnion(pids)
    }
}

/// A process as `ps(1)` shows it.
struct ShownProcess: Hashable {
    var pid: Int32
    var uid: UInt32
    var parent: Int32

    static func all(in directory: TestDirectory) throws -> Set<Self> {
        let shown = try run("ps", ["-e", "-o", "pid=,euid=,ppid="], in: directory)
        try #require(shown.status == 0, "\(shown.errors)")
        return Set(
            shown.output.split(separator: "\n").compactMap { line in
                let fields = line.split(separator: " ")
                guard fields.count == 3, let pid = Int32(fields[0]), let uid = UInt32(fields[1]),
                    let parent = Int32(fields[2])
                else { return nil }
                return Self(pid: pid, uid: uid, parent: parent)
            })
    }
}

/// Programs that begin and end at once, about 500 a second, for a bounded time.
final class Churn {
    let program: ChildProgram

    init(seconds: Int, in directory: TestDirectory) throws {
        let code = """
            import os, time
            begin = time.monotonic()
            count = 0
            while time.monotonic() - begin < \(seconds):
                os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
                count += 1
                time.sleep(max(0, count / 500 - (time.monotonic() - begin)))
            print(round(count / (time.monotonic() - begin)))
            """
        program = try ChildProgram(
            .init(
                program: "python3", arguments: ["-c", code], environment: basicEnvironment, directory: directory.path))
    }

    /// Waits for its end and says how many programs there were a second.
    func rate() throws -> Int {
        try #require(program.wait() == .exited(0), "\(program.errors)")
        return try #require(program.lines.first.flatMap { Int($0) })
    }
}
