import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// Other programs on the ports of a tunnel.
    @Suite("11 ports that others hold")
    struct Ports {
        /// As many as a tunnel at a fixed address needs: live, next, closing, and one in its overlap.
        static let count = 4

        private static func configuration(_ target: RecordingTarget, first: UInt16, ports: Int = count) -> String {
            """
            {"rotation": {"addresses": "fixed", "decoys": 0}, "timeouts": {"handshakeSeconds": 2},
             "tunnels": [{"name": "tight", "target": "\(target.target)", "intervalSeconds": 3600, "overlapSeconds": 1,
                          "portRange": [\(first), \(first + UInt16(ports) - 1)]}]}
            """
        }

        @Test("A rotation passes over ports that other programs hold")
        func endpointTaken() throws {
            let target = try RecordingTarget()
            let first = try HeldPort.freeRun(of: 12)
            let manager = try Manager(Self.configuration(target, first: first, ports: 12))
            let connection = try Connection(manager, to: "tight")
            try Steering.expectEcho(try connection.socket())
            let live = try manager.endpoint(of: "tight").port
            // All but two of those that are free.
            let free = (first..<(first + 12)).filter { $0 != live }
            let held = free.dropLast(4).compactMap { try? HeldPort(port: $0) }
            #expect(held.count >= 5)
            // The schedule draws the ports, so how many rotations it takes to draw one that is held is chance: of
            // thirty, each with about half of its ports held, none draws one less than once in a thousand million.
            var isTold = false
            for rotation in 0..<30 where rotation < 3 || !isTold {
                let outcome = try manager.dtm("rotate", "tight", "--json")
                #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
                try Steering.expectEcho(try connection.socket())
                isTold = try manager.events().contains { $0.kind == "tunnel.endpoint_taken" && $0.tunnel == "tight" }
            }
            #expect(isTold, "thirty rotations, and none met a port that is held")
            #expect(!held.map(\.endpoint.port).contains(try manager.endpoint(of: "tight").port))
        }

        @Test("With every other port taken the old endpoint stays, the failure is told, and a free port ends it")
        func allTaken() throws {
            let target = try RecordingTarget()
            let first = try HeldPort.freeRun(of: Self.count)
            let manager = try Manager(Self.configuration(target, first: first))
            let connection = try Connection(manager, to: "tight")
            try Steering.expectEcho(try connection.socket())
            let live = try manager.endpoint(of: "tight")
            var held = (first..<(first + UInt16(Self.count))).compactMap { try? HeldPort(port: $0) }
            #expect(held.count == Self.count - 1)
            let outcome = try manager.dtm("rotate", "tight", "--json")
            #expect(outcome.status == 1, "\(outcome)")
            let failure = try #require(try outcome.decode(RotateAnswer.self).rotations.first?.failure)
            #expect(failure.contains("bind"), "\(failure)")
            try manager.event("tunnel.rotation_failed") { $0.tunnel == "tight" && $0.detail["step"] == .string("bind") }
            #expect(try manager.endpoint(of: "tight") == live)
            #expect(try manager.tunnel("tight").rotationFailures > 0)
            try Steering.expectEcho(try connection.socket())
            held.removeAll()
            let hasMoved = try eventually { try manager.endpoint(of: "tight") != live }
            #expect(hasMoved)
            try Steering.expectEcho(try connection.socket())
        }

        @Test("A range that is wholly taken makes no tunnel, and the error says so")
        func rangeBusy() throws {
            let manager = try Manager()
            let target = try RecordingTarget()
            let first = try HeldPort.freeRun(of: Self.count)
            // Addresses hop: only a program that listens at all of them is in the way.
            let held = (first..<(first + UInt16(Self.count))).compactMap { try? HeldPort(.v4(0), port: $0) }
            #expect(held.count == Self.count)
            let outcome = try manager.dtm(
                "protect", target.target, "--name", "busy", "--range", "\(first)-\(Int(first) + Self.count - 1)",
                "--json")
            #expect(outcome.status == 1)
            #expect(try outcome.failure().error.code == "range.busy", "\(outcome.errors)")
            #expect(try manager.dtm("tunnels", "--json").decode(TunnelList.self).tunnels == [])
        }

        @Test("Whoever sits where the tunnel was gets no byte of a client's, and is told of")
        func squatter() throws {
            let target = try RecordingTarget()
            let first = try HeldPort.freeRun(of: Self.count)
            let manager = try Manager(Self.configuration(target, first: first))
            let connection = try Connection(manager, to: "tight")
            try Steering.expectEcho(try connection.socket())
            let dataPlane = try #require(manager.processes().first { $0.role == "dataplane" })
            let live = try manager.endpoint(of: "tight").port
            var squatters = try (first..<(first + UInt16(Self.count))).filter { $0 != live }.map {
                try RecordingTarget(port: $0)
            }
            // While the launcher is stopped, nothing takes the data plane's place, and the squatters come first.
            manager.launcher.signal(SIGSTOP)
            defer { manager.launcher.signal(SIGCONT) }
            dataPlane.kill()
            squatters.append(try awaited("the port was not to be had") { try? RecordingTarget(port: live) })
            manager.launcher.signal(SIGCONT)
            let secret = "the client's secret"
            let client = try connection.socket(patience: 20)
            try client.send(secret)
            let event = try manager.event("squatter.found", within: .seconds(15)) { $0.tunnel == "tight" }
            #expect(event.severity == .warning)
            let told = try #require(event.detail["endpoint"])
            #expect(squatters.contains { "\($0.endpoint)" == "\(told)" }, "\(told)")
            for squatter in squatters {
                let seen = String(decoding: squatter.seen.bytes, as: UTF8.self)
                #expect(!seen.contains(secret))
            }
            #expect(squatters.contains { $0.seen.connections > 0 }, "nobody was fooled into coming: this shows nothing")
            squatters = []
            let serves = eventually(.seconds(20)) { (try? Steering.expectEcho(connection.socket(patience: 5))) != nil }
            #expect(serves, "\(connection.program.errors)")
        }
    }
}
