import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    @Suite("14 connectors that the manager hosts")
    struct Hosted {
        @Test("A rule about a program lets redis-cli through a hosted connector, and no other program of the same user")
        func programs() throws {
            let scene = try HostedScene()
            let redis = try Connection(scene.manager, to: "redis", hosted: true)
            let echo = try Connection(scene.manager, to: "echo", hosted: true)
            #expect(try scene.ping(redis).output == "PONG\n")
            let admitted = try scene.manager.event(Event.Kind.programAdmitted) { $0.tunnel == "redis" }
            #expect(admitted.detail["executable"] == .string(scene.redisCLI))
            #expect(admitted.detail["uid"] == .integer(Int64(geteuid())))
            let stranger = try scene.stranger(echo)
            #expect(stranger.output == "", "\(stranger)")
            #expect(scene.target.seen == RecordingTarget.Seen(), "nothing of it may reach the application")
            let refused = try scene.manager.event(Event.Kind.programRefused) { $0.tunnel == "echo" }
            #expect(refused.severity == .warning)
            #expect(refused.detail["executable"] == .string(scene.socat))
            #expect(refused.detail["pid"] != nil)
            #expect("\(refused.detail["reason"] ?? "")".contains(scene.redisCLI), "\(refused)")
        }

        @Test("Programs that connect at the same time are not taken for each other")
        func interleaved() throws {
            let scene = try HostedScene()
            let connection = try Connection(scene.manager, to: "redis", hosted: true)
            let endpoint = connection.endpoint
            let directory = scene.manager.directory
            let rounds = BuiltProgram.size(ci: 20, soak: 200)
            let welcome = (0..<3).map { _ in
                Worker {
                    try (0..<rounds).map { _ in
                        try run("redis-cli", ["-p", "\(endpoint.port)", "PING"], in: directory).output
                    }
                }
            }
            let strangers = (0..<3).map { _ in
                Worker {
                    try (0..<rounds).map { _ in
                        try run("socat", ["-t5", "-", "TCP:\(endpoint)"], in: directory, input: "PING\r\n").output
                    }
                }
            }
            for worker in welcome { #expect(Set(try worker.value()) == ["PONG\n"]) }
            for worker in strangers { #expect(Set(try worker.value()) == [""]) }
        }

        @Test("A plain connector is refused with a hint to --hosted, and --stdio can't be hosted")
        func plain() throws {
            let scene = try HostedScene()
            let plain = try scene.manager.dtm("connect", "redis", "--listen", "127.0.0.1:0", "--json")
            #expect(plain.status != 0 && plain.output == "")
            let body = try plain.failure().error
            #expect(body.code == "connect.denied" && body.hint?.contains("--hosted") == true, "\(body)")
            #expect(try scene.manager.dtm("connect", "redis", "--stdio", "--hosted").status == 64)
            #expect(try scene.manager.dtm("connect", "redis", "--stdio").status != 0)
        }

        @Test("A hosted connector ends with the dtm connect that asked for it, however that ended")
        func killed() throws {
            let scene = try HostedScene()
            let connection = try Connection(scene.manager, to: "redis", hosted: true)
            #expect(try scene.ping(connection).output == "PONG\n")
            connection.program.signal(SIGKILL)
            #expect(connection.program.wait() == .signalled(SIGKILL))
            let isRefused = eventually { (try? BlockingSocket(connectedTo: connection.endpoint)) == nil }
            #expect(isRefused)
        }

        @Test("connectors[] serve from the start and after a reload, and leave each other's connections alone")
        func configured() throws {
            let target = try RecordingTarget()
            let first = try HeldPort.freeRun(of: 2)
            let one = #"{"tunnel": "one", "listen": "127.0.0.1:\#(first)"}"#
            let two = #"{"tunnel": "one", "listen": "127.0.0.1:\#(first + 1)"}"#
            func text(_ connectors: String) -> String {
                #"{"tunnels": [{"name": "one", "target": "\#(target.target)"}], "connectors": [\#(connectors)]}"#
            }
            let manager = try Manager(text(one))
            let socket = try Self.socket(first)
            try Steering.expectEcho(socket)
            try manager.directory.write("home/config.json", text("\(one), \(two)"))
            #expect(try manager.dtm("config", "reload").status == 0)
            let other = try Self.socket(first + 1)
            try Steering.expectEcho(other)
            try Steering.expectEcho(socket)
            try manager.directory.write("home/config.json", text(one))
            #expect(try manager.dtm("config", "reload").status == 0)
            let second = Endpoint(address: .v4(0x7f00_0001), port: first + 1)
            let isRefused = eventually { (try? BlockingSocket(connectedTo: second)) == nil }
            #expect(isRefused)
            try Steering.expectEcho(socket)
            try Steering.expectEcho(try Self.socket(first))
        }

        /// A connection to a connector that may not have begun yet.
        private static func socket(_ port: UInt16) throws -> BlockingSocket {
            let endpoint = Endpoint(address: .v4(0x7f00_0001), port: port)
            return try awaited("nobody listens at \(endpoint)") { try? BlockingSocket(connectedTo: endpoint) }
        }
    }
}

/// A manager with two tunnels that let redis-cli of this user in alone: one to Redis, one to a target that remembers all.
private struct HostedScene {
    let manager: Manager
    let redis: RedisServer
    let target: RecordingTarget
    let redisCLI: String
    let socat: String

    init() throws {
        let directory = try TestDirectory()
        redisCLI = try Self.path("/usr/bin/redis-cli", directory)
        socat = try Self.path("/usr/bin/socat", directory)
        target = try RecordingTarget()
        let allow = #""allow": ["uid:\#(geteuid())+exe:\#(redisCLI)"]"#
        manager = try Manager(#"{"tunnels": [{"name": "echo", "target": "\#(target.target)", \#(allow)}]}"#)
        redis = try RedisServer(in: manager.directory)
        try manager.protect(redis.target, name: "redis", "--allow", "uid:\(geteuid())+exe:\(redisCLI)")
    }

    /// As `/proc/PID/exe` shows a program: with links resolved.
    private static func path(_ program: String, _ directory: TestDirectory) throws -> String {
        let resolved = try run("realpath", ["-e", program], in: directory)
        return try #require(resolved.output.split(separator: "\n").first.map(String.init), "\(resolved.errors)")
    }

    func ping(_ connection: Connection) throws -> Outcome {
        try run("redis-cli", ["-p", "\(connection.endpoint.port)", "PING"], in: manager.directory)
    }

    func stranger(_ connection: Connection) throws -> Outcome {
        try run("socat", ["-t5", "-", "TCP:\(connection.endpoint)"], in: manager.directory, input: "PING\r\n")
    }
}
