import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    @Suite("06 traffic through rotations")
    struct Traffic {
        /// How far descriptors may be off afterwards: a tunnel has two to five listeners, and up to
        /// three fifths more decoys than it wants, depending on the moment; those that are being closed come on top.
        static let descriptorTolerance = 64
        /// How far resident memory of all processes may be off after a load that was there once before: allocators keep
        /// some.
        static let memoryTolerance = 24 << 20
        static let idleConnections = 200
        static let clients = 32

        @Test("Forced rotations: no failed request, no reset, idle connections alive, nothing left behind")
        func forced() throws {
            let rotations = BuiltProgram.size(ci: 60, soak: 300)
            let scene = try TrafficScene(rotation: ["--interval", "3", "--overlap", "1"])
            try scene.warmUp()
            let before = try scene.footprint()
            let load = try scene.begin()
            var endpoints: Set<String> = []
            for _ in 0..<rotations {
                let outcome = try scene.manager.dtm("rotate", "--all", "--json")
                try #require(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
                let answer = try outcome.decode(RotateAnswer.self)
                #expect(answer.rotations.count == 2)
                for rotation in answer.rotations {
                    #expect(rotation.failure == nil)
                    endpoints.insert("\(try #require(rotation.endpoint))")
                }
            }
            #expect(endpoints.count > rotations, "every rotation goes elsewhere: \(endpoints.count)")
            try load.finish()
            try scene.expectRotations(atLeast: rotations)
            try scene.expectAsBefore(before)
        }

        @Test("Natural rotations every 0.2 s: no failed request, no reset, idle connections alive, nothing left behind")
        func natural() throws {
            let rotations = BuiltProgram.size(ci: 40, soak: 300)
            let scene = try TrafficScene(rotation: ["--interval", "0.2", "--overlap", "0.4"])
            try scene.warmUp()
            let before = try scene.footprint()
            let begin = try scene.manager.tunnel("redis").rotations
            let load = try scene.begin()
            var endpoints: Set<String> = []
            let hasRotated = try eventually(.seconds(BuiltProgram.size(ci: 60, soak: 180))) {
                let tunnel = try scene.manager.tunnel("redis")
                if let endpoint = tunnel.endpoint { endpoints.insert("\(endpoint)") }
                return tunnel.rotations >= begin + UInt64(rotations)
            }
            #expect(hasRotated)
            #expect(endpoints.count > 3, "dtm tunnels should show the moves: \(endpoints)")
            try load.finish()
            try scene.expectRotations(atLeast: rotations)
            try scene.expectAsBefore(before)
        }
    }
}

/// A manager with Redis and a web server behind tunnels, and a connector to each.
private struct TrafficScene {
    let manager: Manager
    let redis: RedisServer
    let web: WebServer
    let toRedis: Connection
    let toWeb: Connection
    let follower: ChildProgram

    init(rotation: [String]) throws {
        manager = try Manager()
        redis = try RedisServer(in: manager.directory)
        web = try WebServer(in: manager.directory)
        try web.offer("big", mebibytes: BuiltProgram.size(ci: 256, soak: 2_048), in: manager.directory)
        for (target, name) in [(redis.target, "redis"), (web.target, "web")] {
            try manager.protect(target, name: name, rotation[0], rotation[1], rotation[2], rotation[3])
        }
        toRedis = try Connection(manager, to: "redis")
        toWeb = try Connection(manager, to: "web")
        follower = try manager.start("events", "--json", "--follow")
    }

    /// All that will come, once in small: what is made on first use is there before anything is compared.
    func warmUp() throws {
        let load = try begin(rate: nil)
        _ = eventually(.seconds(20)) { load.short.requests > 500 }
        try load.finish()
    }

    /// - Parameter rate: of the transfer, as curl takes it.
    func begin(rate: String? = "64M") throws -> TrafficLoad {
        let transfer = Transfer(
            of: web.path(of: "big"), from: toWeb.endpoint, rate: rate, in: manager.directory)
        return try TrafficLoad(directory: manager.directory, redis: toRedis.endpoint, transfer: transfer)
    }

    func footprint() throws -> Footprint {
        let isQuiet = try eventually(.seconds(10)) { try manager.tunnel("redis").connections.active == 0 }
        try #require(isQuiet, "connections are left over")
        return try Footprint(of: manager.status().processes.map(\.pid) + [toRedis.program.pid, toWeb.program.pid])
    }

    func expectAsBefore(_ before: Footprint) throws {
        var after = before
        let isBack = try eventually(.seconds(30)) {
            after = try footprint()
            return after.descriptors <= before.descriptors + BuiltProgram.Traffic.descriptorTolerance
                && after.residentBytes <= before.residentBytes + BuiltProgram.Traffic.memoryTolerance
        }
        print("before: \(before); after: \(after)")
        #expect(isBack, "before: \(before); after: \(after)")
    }

    /// The moves as the event stream showed them, against what the tunnel says of itself.
    func expectRotations(atLeast count: Int) throws {
        let tunnel = try manager.tunnel("redis")
        #expect(tunnel.rotations >= UInt64(count))
        #expect(tunnel.connections.failed == 0)
        #expect(tunnel.connections.rejected == 0)
        #expect(tunnel.rotationFailures == 0)
        var events: [EventReport] = []
        _ = try eventually(.seconds(10)) {
            events = try moves()
            return events.count >= count
        }
        #expect(events.count >= count, "dtm events --follow has not shown all moves")
        #expect(Set(events.map { "\($0.detail["host"] ?? ""):\($0.detail["port"] ?? "")" }).count > count / 2)
        #expect(toRedis.program.errors == "" && toWeb.program.errors == "")
        #expect(manager.launcher.errors == "")
    }

    private func moves() throws -> [EventReport] {
        try follower.lines.filter { $0.contains(#""tunnel.rotated""#) }
            .map { try APIJSON.decode(EventReport.self, from: $0.utf8) }
            .filter { $0.tunnel == "redis" }
    }
}

/// All kinds of load at once, until ``finish()``.
private struct TrafficLoad {
    let short: ShortClients
    let idle: IdleConnections
    let benchmark: RepeatedCommand
    let transfer: Transfer

    init(directory: TestDirectory, redis: Endpoint, transfer: Transfer) throws {
        self.transfer = transfer
        idle = try IdleConnections(BuiltProgram.Traffic.idleConnections, to: redis)
        short = ShortClients(BuiltProgram.Traffic.clients, to: redis)
        benchmark = RepeatedCommand(
            "redis-benchmark",
            [
                "-h", "\(redis.address)", "-p", "\(redis.port)", "-c", "\(BuiltProgram.Traffic.clients)", "-n", "5000",
                "-t", "ping,set,get", "-q",
            ], in: directory)
    }

    func finish() throws {
        let requests = try short.stop()
        #expect(short.failures == [])
        #expect(requests > 0)
        let runs = try benchmark.stop()
        #expect(runs > 0)
        #expect(idle.failures() == [])
        idle.end()
        try transfer.expectWhole()
        print("\(requests) short connections, \(runs) benchmarks")
    }
}

/// One file through the tunnel; at a bounded rate it lasts through many rotations.
private struct Transfer {
    private let worker: Worker<Outcome>
    private let file: String
    private let copy: String
    private let directory: TestDirectory

    init(of file: String, from endpoint: Endpoint, rate: String?, in directory: TestDirectory) {
        self.file = file
        self.directory = directory
        let copy = directory.file("copy")
        self.copy = copy
        let limit = rate.map { ["--limit-rate", $0] } ?? []
        worker = Worker {
            try run("curl", ["-sS", "-o", copy, "http://\(endpoint)/big"] + limit, in: directory, limit: .seconds(300))
        }
    }

    func expectWhole() throws {
        let outcome = try worker.value()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try checksum(of: copy, in: directory) == checksum(of: file, in: directory))
        print("the transfer took \(outcome.took)")
    }
}
