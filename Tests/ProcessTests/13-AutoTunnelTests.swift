import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    @Suite("13 automatic tunnels")
    struct AutoTunnels {
        @Test("Redis and nginx that start later get tunnels, lead through them, and lose them after they stop")
        func comeAndGo() throws {
            let scene = try AutoScene(grace: 0.5)
            let (redis, took) = try scene.measure("redis") { try RedisServer(in: $0, port: scene.ports[0]) }
            let (web, webTook) = try scene.measure("nginx") { try WebServer(in: $0, port: scene.ports[1], workers: 3) }
            print("tunnels after the start of the program: redis \(took), nginx \(webTook)")
            try Connection(scene.manager, to: "redis").socket().ping()
            let toWeb = try Connection(scene.manager, to: "nginx")
            let answer = try run("curl", ["-sSI", "http://\(toWeb.endpoint)/"], in: scene.manager.directory)
            #expect(answer.output.contains("Server: nginx"), "\(answer.output) \(answer.errors)")
            try redis.program.end()
            print("redis lost its tunnel after \(try scene.awaitLoss(of: "redis"))")
            #expect(try scene.manager.tunnelNames() == ["nginx"])
            try web.program.end()
            print("nginx lost its tunnel after \(try scene.awaitLoss(of: "nginx"))")
            let (again, _) = try scene.measure("redis") { try RedisServer(in: $0, port: scene.ports[0]) }
            try Connection(scene.manager, to: "redis").socket().ping()
            try again.program.end()
        }

        @Test("A restart within the grace period keeps the tunnel")
        func restart() throws {
            let scene = try AutoScene(grace: 600)
            let (redis, _) = try scene.measure("redis") { try RedisServer(in: $0, port: scene.ports[0]) }
            let identity = try scene.manager.tunnel("redis").identity
            let connection = try Connection(scene.manager, to: "redis")
            try redis.program.end()
            let again = try RedisServer(in: scene.manager.directory, port: scene.ports[0])
            try connection.socket().ping()
            try scene.awaitLooks()
            #expect(try scene.manager.tunnel("redis").identity == identity)
            #expect(try scene.manager.events().contains { $0.kind == Event.Kind.portChangedHands } == false)
            try again.program.end()
        }

        @Test("A port that changes hands loses its tunnel and gets none until its first holder is back")
        func changesHands() throws {
            let scene = try AutoScene(grace: 600)
            let port = scene.ports[0]
            let (redis, _) = try scene.measure("redis") { try RedisServer(in: $0, port: port) }
            try redis.program.end()
            let taker = try PythonServer(in: scene.manager.directory, port: port)
            let event = try scene.manager.event(Event.Kind.portChangedHands)
            #expect(event.severity == .warning && event.detail["port"] == .integer(Int64(port)))
            #expect("\(event.detail["from"] ?? "")".contains("redis"))
            #expect("\(event.detail["to"] ?? "")".contains("python3"))
            let isGone = try eventually { try scene.manager.tunnelNames() == [] }
            #expect(isGone)
            try scene.awaitLooks()
            #expect(try scene.manager.tunnelNames().subtracting(["nginx"]) == [])
            try taker.program.end()
            let (back, _) = try scene.measure("redis") { try RedisServer(in: $0, port: port) }
            try Connection(scene.manager, to: "redis").socket().ping()
            try back.program.end()
        }

        @Test("An automatic tunnel that somebody removed stays away while its application is there")
        func unprotect() throws {
            let scene = try AutoScene(grace: 0.5)
            let (redis, _) = try scene.measure("redis") { try RedisServer(in: $0, port: scene.ports[0]) }
            #expect(try scene.manager.dtm("unprotect", "redis").status == 0)
            try scene.awaitLooks()
            #expect(try scene.manager.tunnelNames().contains("redis") == false)
            #expect(redis.program.isRunning)
        }

        @Test("DTM's own listeners and a remote shell get none, whatever autoTunnel.allow says")
        func neverFronted() throws {
            let scene = try AutoScene(grace: 600)
            let shell = scene.manager.directory.file("sshd")
            try #require(try run("cp", ["/usr/bin/socat", shell], in: scene.manager.directory).status == 0)
            let target = "TCP-LISTEN:\(scene.ports[2]),bind=127.0.0.1,fork,reuseaddr"
            let login = try ChildProgram(
                .init(
                    program: shell, arguments: [target, "PIPE"], environment: basicEnvironment,
                    directory: scene.manager.directory.path))
            let (redis, _) = try scene.measure("redis") { try RedisServer(in: $0, port: scene.ports[0]) }
            let connection = try Connection(scene.manager, to: "redis", port: scene.ports[3])
            let hosted = try Connection(scene.manager, to: "redis", port: scene.ports[4], hosted: true)
            try connection.socket().ping()
            try hosted.socket().ping()
            try scene.awaitLooks()
            let shown = try scene.manager.apps().apps.first { $0.pid == login.pid }
            #expect(shown?.listeners.map(\.port) == [scene.ports[2]])
            #expect(try scene.manager.tunnelNames().subtracting(["nginx"]) == ["redis"])
            #expect(redis.program.isRunning)
        }
    }
}

/// `dtm up --auto`, whose automatic tunnels keep to ports of this test and to DTM's own: other programs of the machine
/// are none of its business.
private struct AutoScene {
    let manager: Manager
    /// For the programs of the test; the last is ``awaitLooks()``'s.
    let ports: [UInt16]

    init(grace: Double) throws {
        let first = try HeldPort.freeRun(of: 16)
        ports = (0..<6).map { first + $0 }
        manager = try Manager(
            """
            {"autoTunnel": {"graceSeconds": \(grace), "allow": ["port:\(first)-\(first + 15)"]},
             "rotation": {"portRange": [\(first + 6), \(first + 15)], "intervalSeconds": 5}}
            """, arguments: ["--auto"])
    }

    /// Starts a program and waits until there is a tunnel to it.
    ///
    /// - Returns: The program, and the time from its start.
    func measure<Program>(
        _ name: String, sourceLocation: SourceLocation = #_sourceLocation, _ start: (TestDirectory) throws -> Program
    ) throws -> (Program, Duration) {
        let begin = ContinuousClock.now
        let program = try start(manager.directory)
        let isThere = try eventually { try manager.tunnelNames().contains(name) }
        try #require(isThere, "there is no tunnel \(name)", sourceLocation: sourceLocation)
        return (program, begin.duration(to: .now))
    }

    func awaitLoss(of name: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Duration {
        let begin = ContinuousClock.now
        let isGone = try eventually { try !manager.tunnelNames().contains(name) }
        try #require(isGone, "\(name) is still there", sourceLocation: sourceLocation)
        return begin.duration(to: .now)
    }

    /// Waits until the manager has looked at the host since: a web server that starts now has its tunnel.
    func awaitLooks() throws {
        let (web, _) = try measure("nginx") { try WebServer(in: $0, port: ports[5]) }
        try web.program.end()
    }
}
