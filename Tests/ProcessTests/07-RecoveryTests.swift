import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// A tunnel that is declared in the configuration, and a connector that nobody touches.
    @Suite("07 processes that are killed")
    struct Recovery {
        /// How soon a connector serves again.
        static let limit = Duration.seconds(2)
        /// What the machine of a CI run may add, which does other things as well: a factor. `make soak` adds nothing.
        static let busyMachine = BuiltProgram.size(ci: 2, soak: 1)

        let manager: Manager
        let target: RecordingTarget
        let connection: Connection

        init() throws {
            target = try RecordingTarget()
            manager = try Manager(#"{"tunnels": [{"name": "declared", "target": "\#(target.target)"}]}"#)
            connection = try Connection(manager, to: "declared")
            try Self.exchange(connection)
        }

        private static func exchange(_ connection: Connection) throws {
            let socket = try connection.socket(patience: 3)
            try socket.send("hello")
            guard try socket.receive(exactly: 5) == Array("hello".utf8) else {
                throw BlockingSocket.Failure(description: "the connection ended")
            }
        }

        /// Asks again and again until the connector serves, and holds the time that it took against the limit.
        private func expectService(
            after event: String, since begin: ContinuousClock.Instant,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            var attempts: [String] = []
            let serves = eventually(.seconds(20)) {
                let start = ContinuousClock.now
                do {
                    try Self.exchange(connection)
                    attempts.append("served in \(start.duration(to: .now))")
                    return true
                } catch {
                    attempts.append("\(error) after \(start.duration(to: .now))")
                    return false
                }
            }
            let took = begin.duration(to: .now)
            print("after \(event): served again within \(took); \(attempts)")
            #expect(serves, "\(connection.program.errors)", sourceLocation: sourceLocation)
            #expect(took <= Self.limit * Self.busyMachine, sourceLocation: sourceLocation)
            #expect(connection.program.isRunning, sourceLocation: sourceLocation)
        }

        @Test(
            "A child that is killed is started again, and a connector serves again by itself",
            arguments: ["control", "dataplane"])
        func child(role: String) throws {
            for _ in 0..<2 {
                let victim = try #require(manager.processes().first { $0.role == role })
                victim.kill()
                // What the killed one still had is no answer of its successor.
                #expect(eventually { !victim.isAlive })
                expectService(after: "the end of \(role)", since: .now)
                let isReplaced = eventually {
                    manager.processes().contains { $0.role == role && $0.pid != victim.pid && $0.isAlive }
                }
                #expect(isReplaced)
                // While control starts, nobody answers: an attempt that fails is no failure of the test.
                let isWhole = eventually {
                    (try? manager.dtm("status", "--json").decode(StatusReport.self).processes.count) == 3
                }
                #expect(isWhole, "control should answer, and know all three processes")
            }
            #expect(manager.launcher.isRunning)
        }

        @Test("When the launcher is killed, connections go on; the next one takes over")
        func launcher() throws {
            let orphans = manager.processes()
            let socket = try connection.socket()
            manager.launcher.signal(SIGKILL)
            #expect(manager.launcher.wait() == .signalled(SIGKILL))
            try socket.send("still")
            #expect(try socket.receive(exactly: 5) == Array("still".utf8))
            expectService(after: "the launcher's end", since: .now)
            let begin = ContinuousClock.now
            try manager.restart()
            #expect(!orphans.contains { $0.isAlive }, "the former processes are ended first")
            expectService(after: "the next launcher's start", since: begin)
            #expect(try manager.status().pid == manager.launcher.pid)
        }

        @Test("When all are killed and started again, a connector serves again by itself")
        func all() throws {
            for _ in 0..<2 {
                let processes = manager.processes()
                manager.launcher.signal(SIGKILL)
                for process in processes { process.kill() }
                #expect(manager.launcher.wait() == .signalled(SIGKILL))
                #expect(eventually { !processes.contains { $0.isAlive } })
                #expect((try? Self.exchange(connection)) == nil, "nobody is there to serve")
                let begin = ContinuousClock.now
                try manager.restart()
                expectService(after: "the end of all and a restart", since: begin)
            }
            let tunnel = try manager.tunnel("declared")
            #expect(tunnel.origin == "configuration")
        }

        @Test("An orderly restart does not disturb a connector either")
        func restart() throws {
            #expect(manager.stop() == .exited(0))
            let begin = ContinuousClock.now
            try manager.restart()
            expectService(after: "a restart", since: begin)
        }

        @Test("dtm events --follow waits for a manager that restarts")
        func follower() throws {
            let follower = try manager.start("events", "--json", "--follow")
            let follows = try eventually {
                _ = try manager.dtm("rotate", "declared")
                return follower.output.contains(#""tunnel.rotated""#)
            }
            #expect(follows, "\(follower.errors)")
            let before = follower.output
            #expect(manager.stop() == .exited(0))
            try manager.restart()
            let goesOn = try eventually {
                _ = try manager.dtm("rotate", "declared")
                return follower.output.dropFirst(before.count).contains(#""tunnel.rotated""#)
            }
            #expect(goesOn, "\(follower.output) \(follower.errors)")
        }
    }
}
