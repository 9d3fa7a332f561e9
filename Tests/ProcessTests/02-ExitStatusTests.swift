import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    @Suite("02 exit statuses")
    struct ExitStatuses {
        @Test(
            "Without a manager every verb exits with 69 and says how to start one",
            arguments: [
                ["status"], ["apps"], ["tunnels"], ["events"], ["protect", "127.0.0.1:1"], ["unprotect", "x"],
                ["rotate", "x"], ["connect", "x", "--listen", "127.0.0.1:0"], ["certs", "list"], ["config", "reload"],
            ])
        func noManager(command: [String]) throws {
            let directory = try TestDirectory()
            let outcome = try run(
                try BuiltProgram.path(), command, in: directory, environment: ["DTM_HOME": directory.file("none")])
            #expect(outcome.status == 69, "\(outcome)")
            #expect(outcome.output == "")
            #expect(outcome.errors.contains("hint:") && outcome.errors.contains("dtm up"), "\(outcome.errors)")
        }

        @Test(
            "Wrong usage exits with 64",
            arguments: [
                ["nonsense"], ["protect"], ["rotate"], ["connect", "x"], ["status", "--bogus"], ["up", "--bogus"],
                ["connect", "x", "--listen", "nowhere"], ["protect", "127.0.0.1:1", "--range", "9-1"],
            ])
        func usage(command: [String]) throws {
            let directory = try TestDirectory()
            let outcome = try run(
                try BuiltProgram.path(), command, in: directory, environment: ["DTM_HOME": directory.file("none")])
            #expect(outcome.status == 64, "\(outcome)")
            #expect(outcome.output == "")
            #expect(outcome.errors != "")
        }

        @Test("Help and the version exit with 0")
        func help() throws {
            let directory = try TestDirectory()
            for command in [["--help"], ["--version"], ["up", "--help"], ["help", "connect"]] {
                let outcome = try run(try BuiltProgram.path(), command, in: directory)
                #expect(outcome.status == 0, "\(command): \(outcome.errors)")
                #expect(outcome.output != "")
            }
        }

        @Test("A configuration with mistakes stops the start with 78, and every mistake is named")
        func configuration() throws {
            let directory = try TestDirectory()
            let file = try directory.write(
                "config.json",
                #"{"rotation": {"intervalSeconds": 0.1, "overlapSecond": 1}, "tunnels": [{"name": "A B"}]}"#)
            let outcome = try run(
                try BuiltProgram.path(), ["up", "--no-ui", "--home", directory.file("home"), "--config", file],
                in: directory)
            #expect(outcome.status == 78, "\(outcome)")
            for part in [
                "rotation.intervalSeconds", "0.2", "overlapSecond", "overlapSeconds", "tunnels[0].name", "target",
            ] {
                #expect(outcome.errors.contains(part), "\(part): \(outcome.errors)")
            }
        }

        @Test(
            "A home that can't be written stops the start with 1, and is named", .enabled(if: OtherUser.nobody != nil))
        func unwritableHome() throws {
            let user = try #require(OtherUser.nobody)
            let directory = try TestDirectory()
            chmod(directory.path, 0o755)
            mkdir(directory.file("home"), 0o755)
            for home in [directory.file("home"), directory.file("new/home")] {
                let command = user.prefix + [try BuiltProgram.path(), "up", "--no-ui", "--home", home]
                let outcome = try run(command[0], Array(command.dropFirst()), in: directory)
                #expect(outcome.status == 1, "\(outcome)")
                #expect(
                    outcome.errors.contains(directory.path) && outcome.errors.contains("hint:"), "\(outcome.errors)")
            }
        }

        @Test("Who may not steer, and who may not connect, is told so with 77", .enabled(if: OtherUser.nobody != nil))
        func notPermitted() throws {
            let user = try #require(OtherUser.nobody)
            let manager = try Manager()
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "mine")
            manager.openDoors()
            let steering = [["rotate", "mine"], ["unprotect", "mine"], ["certs", "list"], ["config", "reload"]]
            for command in steering + [["connect", "mine", "--stdio"]] {
                let whole = user.prefix + [try BuiltProgram.path()] + command
                let outcome = try run(
                    whole[0], Array(whole.dropFirst()), in: manager.directory, environment: ["DTM_HOME": manager.home])
                #expect(outcome.status == 77, "\(command): \(outcome)")
            }
            let denied = try manager.event("connect.denied")
            #expect(denied.tunnel == "mine")
            #expect(denied.detail["uid"] == .integer(Int64(user.uid)))
            #expect(target.seen.connections <= 1, "only the probe of dtm protect may come")
        }

        @Test("A manager with a problem makes dtm status exit with 2")
        func degraded() throws {
            let port = try HeldPort.free()
            let manager = try Manager(#"{"tunnels": [{"name": "waits", "target": "127.0.0.1:\#(port)"}]}"#)
            let connection = try Connection(manager, to: "waits")
            _ = try? connection.socket().receive()
            let isDegraded = try eventually { try manager.dtm("status", "--json").status == 2 }
            #expect(isDegraded)
            #expect(try !manager.status().degraded.isEmpty)
        }
    }
}
