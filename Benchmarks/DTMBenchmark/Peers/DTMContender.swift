import FoundationEssentials
import Glibc

/// The program under test, driven by its commands alone.
struct DTMContender: Contender {
    let name = "DTM"
    let program: String

    /// One usable core gives the data plane and a connector one event loop each, as the peers have one thread.
    static let onOneCore = ["taskset", "-c", "0"]

    func start(target: Int, in workshop: Workshop) throws -> RunningTunnel {
        let manager = try DTMManager.start(program, configuration: Self.roomy, in: workshop)
        do {
            try manager.command(["protect", "127.0.0.1:\(target)", "--name", "bench"])
            let (connector, entry) = try manager.connect(to: "bench")
            return RunningTunnel(name: name, entry: entry, processes: [manager.process, connector], workshop: workshop)
        } catch {
            manager.stop()
            throw error
        }
    }

    /// The limits that the peers have as well.
    private static let roomy = """
        {"limits": {"maximumConnections": 4096, "maximumConnectionsPerTunnel": 4096}}
        """
}

/// A manager in a home of its own.
struct DTMManager {
    let process: ChildProcess
    let program: String
    let home: String
    let workshop: Workshop

    /// Starts `dtm up` and returns when it answers. Throws when it does not in time.
    static func start(_ program: String, configuration: String, in workshop: Workshop) throws -> DTMManager {
        let manager = try launch(program, configuration: configuration, in: workshop)
        let clock = Stopwatch()
        while true {
            if (try? manager.command(["status", "--json"])) != nil { return manager }
            guard clock.milliseconds < 15_000, !ProcessTree.members(of: [manager.process.pid]).isEmpty else {
                manager.stop()
                throw BenchmarkError("`dtm up` ended or does not answer: \(manager.errors)")
            }
            usleep(10_000)
        }
    }

    /// Starts `dtm up` and returns at once.
    ///
    /// - Parameter home: One that is there already; nil: a new one.
    static func launch(
        _ program: String, configuration: String, in workshop: Workshop, home known: String? = nil,
        arguments: [String] = []
    ) throws -> DTMManager {
        let path = try known ?? newHome(in: workshop)
        try ProcFile.write(configuration, to: "\(path)/config.json")
        let process = try workshop.start(
            DTMContender.onOneCore + [program, "up", "--no-ui", "--home", path, "--config", "\(path)/config.json"]
                + arguments,
            environment: [:], log: "dtm-up.log")
        return DTMManager(process: process, program: program, home: path, workshop: workshop)
    }

    private static func newHome(in workshop: Workshop) throws -> String {
        var home = Array("\(workshop.directory)/home-XXXXXX".utf8CString)
        guard mkdtemp(&home) != nil else { throw BenchmarkError("can't make a home: \(systemError())") }
        return home.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    /// Runs `dtm VERB … --home HOME` and returns what it prints.
    @discardableResult
    func command(_ arguments: [String]) throws -> String {
        try workshop.run([program] + arguments + ["--home", home], environment: [:])
    }

    /// Starts `dtm connect` and returns it with the port where it listens.
    func connect(to tunnel: String) throws -> (ChildProcess, Int) {
        let connector = try follow(["connect", tunnel, "--listen", "127.0.0.1:0", "--json"])
        do {
            guard let line = try connector.readLine(withinMilliseconds: 10_000) else {
                throw BenchmarkError("`dtm connect` ended: \(errors)")
            }
            let announcement = try JSONDecoder().decode(Announcement.self, from: Data(line.utf8))
            return (connector, Int(announcement.listening.port))
        } catch {
            workshop.stop(connector)
            throw error
        }
    }

    /// Starts a command that goes on until it is stopped.
    func follow(_ arguments: [String]) throws -> ChildProcess {
        try workshop.start(
            DTMContender.onOneCore + [program] + arguments + ["--home", home], environment: [:],
            log: "dtm-follow.log")
    }

    func tunnels() throws -> [TunnelRow] {
        let output = try command(["tunnels", "--json"])
        return try JSONDecoder().decode(TunnelRows.self, from: Data(output.utf8)).tunnels
    }

    func stop() { workshop.stop(process) }

    var errors: String {
        ["dtm-up.log", "dtm-follow.log"].compactMap { ProcFile.read("\(workshop.directory)/\($0)") }.joined()
    }
}

/// The parts of `dtm connect --json`, `dtm tunnels --json` and `dtm events --json` that the benchmark reads.
private struct Announcement: Decodable { let listening: EndpointRow }

struct EndpointRow: Decodable {
    let host: String
    let port: UInt16
}

struct TunnelRow: Decodable {
    let name: String
    let endpoint: EndpointRow?
    let rotations: UInt64
    let rotationFailures: UInt64
}

private struct TunnelRows: Decodable { let tunnels: [TunnelRow] }

struct EventRow: Decodable {
    struct Detail: Decodable {
        let switchMicros: Double?
        /// Above 0 after a forced rotation.
        let generation: UInt32?
    }

    let kind: String
    let detail: Detail
}
