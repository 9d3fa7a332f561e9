import DTMAPI
import Glibc
import Testing

extension BuiltProgram {
    @Suite("01 the manager's life")
    struct Life {
        /// What a drain may take beyond what the configuration gives it: three processes end.
        static let slack = Duration.seconds(5)

        @Test("It says where it is, and how to protect what it found")
        func banner() throws {
            let manager = try Manager()
            let redis = try RedisServer(in: manager.directory)
            #expect(manager.stop() == .exited(0))
            try manager.restart()
            let found = eventually { manager.launcher.output.contains("dtm protect 127.0.0.1:\(redis.port) ") }
            #expect(found, "\(manager.launcher.output)")
            #expect(manager.launcher.output.contains(manager.socketPath))
        }

        @Test("SIGTERM and SIGINT end it in order, with 0, and leave no process behind", arguments: [SIGTERM, SIGINT])
        func ends(signal: CInt) throws {
            let manager = try Manager()
            let processes = manager.processes()
            #expect(processes.count == 2)
            #expect(manager.stop(signal, within: Self.slack) == .exited(0))
            #expect(!processes.contains { $0.isAlive })
            #expect(!UnixProbe.answers(manager.socketPath))
            #expect(manager.launcher.errors == "")
        }

        @Test("A drain lets open connections finish, for as long as the configuration says and no longer")
        func drains() throws {
            let manager = try Manager(#"{"timeouts": {"drainSeconds": 1.5}}"#)
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let connection = try Connection(manager, to: "echo")
            let socket = try connection.socket()
            try socket.send("before")
            #expect(try socket.receive(exactly: 6) == Array("before".utf8))
            let begin = ContinuousClock.now
            manager.launcher.signal(SIGTERM)
            try socket.send("while")
            #expect(try socket.receive(exactly: 5) == Array("while".utf8))
            #expect(manager.launcher.wait(.milliseconds(1_500) + Self.slack) == .exited(0))
            let took = begin.duration(to: .now)
            #expect(took >= .seconds(1), "it did not wait: \(took)")
        }

        @Test("A drain ends as soon as nobody is connected")
        func drainsNobody() throws {
            let manager = try Manager(#"{"timeouts": {"drainSeconds": 600}}"#)
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            #expect(manager.stop(within: Self.slack) == .exited(0))
        }

        @Test("A second signal ends the drain at once")
        func secondSignal() throws {
            let manager = try Manager(#"{"timeouts": {"drainSeconds": 600}}"#)
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let connection = try Connection(manager, to: "echo")
            let socket = try connection.socket()
            try socket.send("x")
            #expect(try socket.receive(exactly: 1) == [0x78])
            manager.launcher.signal(SIGTERM)
            try manager.awaitDraining()
            #expect(manager.launcher.isRunning)
            manager.launcher.signal(SIGTERM)
            #expect(manager.launcher.wait(Self.slack) != nil)
            #expect(!manager.processes().contains { $0.isAlive })
        }

        @Test("The second manager of a home says who has it, and exits with 1")
        func secondManager() throws {
            let manager = try Manager()
            let second = try manager.upAgain()
            #expect(second.wait() == .exited(1))
            #expect(second.errors.contains("process \(manager.launcher.pid)"))
            #expect(second.errors.contains("hint:"))
            #expect(try manager.status().pid == manager.launcher.pid)
        }

        @Test("What a manager that was killed left in its home is in nobody's way")
        func staleSocket() throws {
            let manager = try Manager()
            let processes = manager.processes()
            kill(manager.launcher.pid, SIGKILL)
            for process in processes { process.kill() }
            #expect(manager.launcher.wait() == .signalled(SIGKILL))
            #expect(eventually { !processes.contains { $0.isAlive } })
            #expect(access(manager.socketPath, F_OK) == 0, "the socket should be left over")
            #expect(try manager.dtm("status").status == 69)
            try manager.restart()
            #expect(try manager.status().pid == manager.launcher.pid)
        }
    }
}

extension Manager {
    /// Waits until it has begun to end: it says so in its log.
    func awaitDraining() throws {
        _ = try awaited("no manager.stopping in the log") {
            text(of: "\(home)/logs/dtm.json").contains("manager.stopping") ? true : nil
        }
    }
}
