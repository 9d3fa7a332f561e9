import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// A clear error, and everything else keeps running.
    @Suite("09 what bad input gets")
    struct BadInput {
        let manager: Manager
        let target: RecordingTarget

        init() throws {
            manager = try Manager()
            target = try RecordingTarget()
            try manager.protect(target.target, name: "works")
        }

        /// The command fails with a status and a code, says what to do next, and leaves the tunnel that works alone.
        private func expectFailure(
            _ arguments: [String], _ code: String, status: CInt = 1, naming parts: [String] = [],
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let outcome = try run(
                try BuiltProgram.path(), arguments + ["--json"], in: manager.directory,
                environment: ["DTM_HOME": manager.home])
            #expect(outcome.status == status, "\(outcome)", sourceLocation: sourceLocation)
            #expect(outcome.output == "", sourceLocation: sourceLocation)
            let error = try outcome.failure().error
            #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
            for part in parts {
                #expect(error.message.contains(part), "\(part): \(error)", sourceLocation: sourceLocation)
            }
            #expect(error.hint != nil, "\(error)", sourceLocation: sourceLocation)
            let names = try manager.dtm("tunnels", "--json").decode(TunnelList.self).tunnels.map(\.name)
            #expect(names == ["works"], sourceLocation: sourceLocation)
            try Steering.expectEcho(
                try Connection(manager, to: "works").socket(), sourceLocation: sourceLocation)
        }

        @Test(
            "A tunnel that there is not",
            arguments: [
                ["rotate", "absent"], ["unprotect", "absent"], ["connect", "absent", "--listen", "127.0.0.1:0"],
            ])
        func unknownTunnel(command: [String]) throws {
            try expectFailure(command, "tunnel.unknown", naming: ["absent"])
        }

        @Test("A name that is taken")
        func nameTaken() throws {
            let other = try RecordingTarget()
            try expectFailure(["protect", other.target, "--name", "works"], "tunnel.name_taken", naming: ["works"])
        }

        @Test("A target that nobody listens at")
        func targetRefused() throws {
            let port = try HeldPort.free()
            try expectFailure(
                ["protect", "127.0.0.1:\(port)", "--name", "dead"], "target.refused", naming: ["127.0.0.1:\(port)"])
        }

        @Test("An interval out of bounds", arguments: ["0.1", "0", "-1", "86401", "nan", "inf", "ten"])
        func interval(value: String) throws {
            let other = try RecordingTarget()
            let outcome = try manager.dtm("protect", other.target, "--name", "fast", "--interval=\(value)")
            #expect(outcome.status == 64 || outcome.status == 78, "\(outcome)")
            #expect(outcome.errors.contains("0.2") || outcome.errors.contains("interval"), "\(outcome.errors)")
            #expect(try manager.dtm("tunnels", "--json").decode(TunnelList.self).tunnels.count == 1)
        }

        @Test("A range without a port that may be used")
        func rangeTooSmall() throws {
            let other = try RecordingTarget()
            try expectFailure(
                ["protect", other.target, "--name", "narrow", "--range", "5432-5432"], "range.too_small",
                naming: ["5432"])
        }

        @Test("A process without a listener, one that there is not, and one of the manager's own")
        func processes() throws {
            let silent = try ChildProgram(
                .init(
                    program: "sleep", arguments: ["60"], environment: basicEnvironment,
                    directory: manager.directory.path))
            let isKnown = eventually { text(of: "/proc/\(silent.pid)/comm") == "sleep\n" }
            #expect(isKnown)
            try expectFailure(
                ["protect", "\(silent.pid)"], "pid.without_listener", naming: ["\(silent.pid)", "sleep"])
            silent.signal(SIGKILL)
            _ = silent.wait()
            try expectFailure(["protect", "\(silent.pid)"], "pid.unknown", naming: ["\(silent.pid)"])
            let dataPlane = try #require(try manager.status().processes.first { $0.role == "dataplane" })
            try expectFailure(["protect", "\(dataPlane.pid)"], "target.own")
            let endpoint = try manager.endpoint(of: "works")
            try expectFailure(["protect", "\(endpoint)"], "target.own")
        }

        @Test("A process is protected by its number")
        func pid() throws {
            let redis = try RedisServer(in: manager.directory)
            let answer = try manager.protect("\(redis.program.pid)", name: "byPid".lowercased())
            #expect(answer.tunnel.target == redis.target)
        }

        @Test("What can't be a subject or a name")
        func nonsense() throws {
            for subject in ["127.0.0.1:0", "127.0.0.1:99999", "unix:relative", "host name:1", ""] {
                let outcome = try manager.dtm("protect", subject)
                #expect([1, 64].contains(outcome.status), "\(subject): \(outcome)")
                #expect(outcome.errors != "")
            }
            for name in ["UPPER", "-dash", "a/b", "", String(repeating: "x", count: 64)] {
                let outcome = try manager.dtm("protect", target.target, "--name=\(name)")
                #expect([1, 64].contains(outcome.status), "\(name): \(outcome)")
            }
            #expect(try manager.dtm("tunnels", "--json").decode(TunnelList.self).tunnels.count == 1)
        }

        @Test("A connector that can't listen where it was told says so and exits with 1")
        func listenTaken() throws {
            let held = try HeldPort()
            let outcome = try manager.dtm("connect", "works", "--listen", "\(held.endpoint)")
            #expect(outcome.status == 1)
            #expect(
                outcome.errors.contains("\(held.endpoint.port)") && outcome.errors.contains("hint:"),
                "\(outcome.errors)")
            let file = try manager.directory.write("precious", "not a socket")
            let other = try manager.dtm("connect", "works", "--unix", file)
            #expect(other.status == 1, "\(other)")
            #expect(text(of: file) == "not a socket", "a file that is no socket is left alone")
        }
    }

    @Suite("10 targets that come and go")
    struct Targets {
        @Test("A target that goes is told of, its clients see a broken connection, and all is well when it comes back")
        func comesBack() throws {
            let manager = try Manager()
            let directory = try TestDirectory()
            var redis: RedisServer? = try RedisServer(in: directory)
            let port = try #require(redis?.port)
            try manager.protect("127.0.0.1:\(port)", name: "redis")
            let other = try RecordingTarget()
            try manager.protect(other.target, name: "other")
            let connection = try Connection(manager, to: "redis")
            try connection.socket().ping()
            redis = nil
            let socket = try connection.socket(patience: 5)
            try? socket.send("PING\r\n")
            #expect(socket.receiveWhatComes() == [])
            try manager.event("tunnel.target_unreachable") { $0.tunnel == "redis" }
            #expect(try manager.tunnel("redis").problem != nil)
            #expect(try manager.dtm("status").status == 2)
            try Steering.expectEcho(try Connection(manager, to: "other").socket())
            redis = try RedisServer(in: directory, port: port)
            let isBack = eventually { (try? connection.socket(patience: 3).ping()) != nil }
            #expect(isBack, "\(connection.program.errors)")
            try manager.event("tunnel.target_reachable") { $0.tunnel == "redis" }
            let isWell = try eventually { try manager.dtm("status").status == 0 }
            #expect(isWell)
            #expect(redis?.program.isRunning == true)
        }

        @Test("A declared tunnel may wait for its target")
        func waits() throws {
            let port = try HeldPort.free()
            let manager = try Manager(#"{"tunnels": [{"name": "later", "target": "127.0.0.1:\#(port)"}]}"#)
            let connection = try Connection(manager, to: "later")
            #expect(try connection.socket(patience: 5).receiveWhatComes() == [])
            let redis = try RedisServer(in: manager.directory, port: port)
            let works = eventually { (try? connection.socket(patience: 3).ping()) != nil }
            #expect(works, "\(connection.program.errors)")
            #expect(redis.program.isRunning)
        }

        @Test("A Unix socket is a target like any other")
        func unixTarget() throws {
            let manager = try Manager()
            let path = manager.directory.file("target.sock")
            let server = try ChildProgram(
                .init(
                    program: "socat", arguments: ["UNIX-LISTEN:\(path),fork", "PIPE"], environment: basicEnvironment,
                    directory: manager.directory.path))
            let listens = eventually { access(path, F_OK) == 0 || !server.isRunning }
            #expect(listens)
            try manager.protect("unix:\(path)", name: "files")
            try Steering.expectEcho(try Connection(manager, to: "files").socket())
        }

        @Test("Another user's process is refused by a manager without rights", .enabled(if: OtherUser.nobody != nil))
        func foreignProcess() throws {
            let user = try #require(OtherUser.nobody)
            let manager = try Manager(user: user)
            let redis = try RedisServer(in: try TestDirectory())
            let command = user.prefix + [try BuiltProgram.path(), "protect", "\(redis.program.pid)", "--json"]
            let outcome = try run(
                command[0], Array(command.dropFirst()), in: manager.directory,
                environment: ["DTM_HOME": manager.home])
            #expect(outcome.status != 0)
            let error = try outcome.failure().error
            #expect(error.code == "pid.foreign", "\(error)")
            #expect(error.message.contains("\(redis.program.pid)") && error.hint != nil, "\(error)")
        }
    }
}
