import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    @Suite("08 steering a running manager")
    struct Steering {
        /// Sends, and expects the echo.
        static func expectEcho(_ socket: BlockingSocket, sourceLocation: SourceLocation = #_sourceLocation) throws {
            try socket.send("ping")
            #expect(try socket.receive(exactly: 4) == Array("ping".utf8), sourceLocation: sourceLocation)
        }

        /// The serial number of the certificate that a connector of the tunnel uses.
        private static func clientCertificate(
            of tunnel: String, _ manager: Manager, without others: Set<String> = []
        ) throws -> CertificateList.Entry {
            let list = try manager.dtm("certs", "list", "--json").decode(CertificateList.self)
            return try #require(
                list.certificates.last { $0.role == "client" && $0.tunnel == tunnel && !others.contains($0.serial) })
        }

        @Test("Revoking a certificate cuts its live connections, and no others", arguments: [true, false])
        func revoke(bySerial: Bool) throws {
            let manager = try Manager()
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let first = try Connection(manager, to: "echo")
            let firstCertificate = try Self.clientCertificate(of: "echo", manager)
            let second = try Connection(manager, to: "echo")
            let victim = try first.socket()
            let bystander = try second.socket()
            try Self.expectEcho(victim)
            try Self.expectEcho(bystander)
            let subject = bySerial ? firstCertificate.serial : firstCertificate.identity
            let outcome = try manager.dtm("certs", "revoke", subject, "--json")
            #expect(outcome.status == 0, "\(outcome.errors)")
            let answer = try outcome.decode(CertificateChangeAnswer.self)
            #expect(answer.certificates.contains { $0.serial == firstCertificate.serial && $0.status == "revoked" })
            #expect(victim.receiveWhatComes() == [], "it should be cut, not time out")
            try manager.event("connection.cut") { $0.tunnel == "echo" && $0.identity == firstCertificate.identity }
            try manager.event("certificate.revoked") { $0.detail["subject"] == .string(subject) }
            try Self.expectEcho(bystander)
            try Self.expectEcho(try second.socket())
            try Self.expectEcho(try Connection(manager, to: "echo").socket())
        }

        @Test("Rotating certificates gives a tunnel a new one, and disturbs no connection")
        func rotateLeaves() throws {
            let manager = try Manager()
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let connection = try Connection(manager, to: "echo")
            let socket = try connection.socket()
            try Self.expectEcho(socket)
            let before = try #require(try manager.tunnel("echo").certificate)
            let outcome = try manager.dtm("certs", "rotate", "echo", "--json")
            #expect(outcome.status == 0, "\(outcome.errors)")
            let isNew = try eventually { try manager.tunnel("echo").certificate?.serial != before.serial }
            #expect(isNew)
            try Self.expectEcho(socket)
            try Self.expectEcho(try connection.socket())
        }

        @Test("Replacing the authority disturbs no connection, and new ones go on")
        func rotateAuthority() throws {
            let manager = try Manager()
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let connection = try Connection(manager, to: "echo")
            let socket = try connection.socket()
            try Self.expectEcho(socket)
            for _ in 0..<2 {
                #expect(try manager.dtm("certs", "rotate", "--authority").status == 0)
                try Self.expectEcho(socket)
                try Self.expectEcho(try connection.socket())
                try Self.expectEcho(try Connection(manager, to: "echo").socket())
            }
        }

        @Test("Removing a tunnel cuts its connections, closes its endpoint, and leaves the others alone")
        func unprotect() throws {
            let manager = try Manager()
            let target = try RecordingTarget()
            let other = try RecordingTarget()
            try manager.protect(target.target, name: "leaves")
            try manager.protect(other.target, name: "stays")
            let leaving = try Connection(manager, to: "leaves")
            let staying = try Connection(manager, to: "stays")
            let cut = try leaving.socket()
            let kept = try staying.socket()
            try Self.expectEcho(cut)
            try Self.expectEcho(kept)
            let endpoint = try manager.endpoint(of: "leaves")
            #expect(try manager.dtm("unprotect", "leaves").status == 0)
            #expect(cut.receiveWhatComes() == [])
            let isClosed = eventually { (try? BlockingSocket(connectedTo: endpoint)) == nil }
            #expect(isClosed)
            try manager.event("tunnel.removed") { $0.tunnel == "leaves" }
            try Self.expectEcho(kept)
            try Self.expectEcho(try staying.socket())
            let again = try manager.dtm("unprotect", "leaves", "--json")
            #expect(again.status == 1)
            #expect(try again.failure().error.code == "tunnel.unknown")
            // The name is free again, and the connector that waits for it finds the new tunnel by itself.
            try manager.protect(target.target, name: "leaves")
            let isBack = eventually { (try? Self.expectEcho(leaving.socket(patience: 3))) != nil }
            #expect(isBack, "\(leaving.program.errors)")
        }

        @Test("SIGHUP makes a changed configuration true, and leaves what did not change alone")
        func reload() throws {
            let first = try RecordingTarget()
            let second = try RecordingTarget()
            let one = #"{"name": "one", "target": "\#(first.target)"}"#
            let two = #"{"name": "two", "target": "\#(second.target)", "intervalSeconds": 5}"#
            let manager = try Manager(#"{"tunnels": [\#(one)]}"#)
            let connection = try Connection(manager, to: "one")
            let socket = try connection.socket()
            try Self.expectEcho(socket)
            try manager.directory.write("home/config.json", #"{"tunnels": [\#(one), \#(two)]}"#)
            manager.launcher.signal(SIGHUP)
            try manager.event("configuration.reloaded")
            try manager.event("tunnel.added") { $0.tunnel == "two" }
            #expect(try manager.tunnel("two").intervalSeconds == 5)
            try Self.expectEcho(try Connection(manager, to: "two").socket())
            try Self.expectEcho(socket)
            try manager.directory.write("home/config.json", #"{"tunnels": [\#(one)]}"#)
            #expect(try manager.dtm("config", "reload").status == 0)
            let isGone = try eventually {
                try manager.dtm("tunnels", "--json").decode(TunnelList.self).tunnels.map(\.name) == ["one"]
            }
            #expect(isGone)
            try Self.expectEcho(socket)
        }

        @Test("A bad file changes nothing, is reported by an event, and dtm config reload exits with 78")
        func badReload() throws {
            let target = try RecordingTarget()
            let good = #"{"tunnels": [{"name": "one", "target": "\#(target.target)"}]}"#
            let manager = try Manager(good)
            let connection = try Connection(manager, to: "one")
            try Self.expectEcho(try connection.socket())
            for bad in [#"{"tunnels": []"#, #"{"rotation": {"intervalSecond": 5}, "tunnels": []}"#, "", "[]"] {
                try manager.directory.write("home/config.json", bad)
                let outcome = try manager.dtm("config", "reload")
                #expect(outcome.status == 78, "\(bad): \(outcome)")
            }
            try manager.directory.write("home/config.json", #"{"rotation": {"portRange": [1, 99999]}, "tunnels": []}"#)
            manager.launcher.signal(SIGHUP)
            try manager.event("configuration.refused") {
                "\($0.detail["problems"] ?? "")".contains("rotation.portRange")
            }
            #expect(try manager.tunnel("one").target == target.target)
            try Self.expectEcho(try connection.socket())
            // One that others could write is not believed, whatever it says.
            try manager.directory.write("home/config.json", good, mode: 0o666)
            #expect(try manager.dtm("config", "reload").status == 78)
        }

        @Test("The key of the model's provider is never shown")
        func providerKey() throws {
            let manager = try Manager(#"{"openai_api_key": "sk-process-test-4242424242"}"#)
            let shown = try manager.dtm("config", "show")
            #expect(shown.status == 0 && shown.output.contains("openai_api_key"))
            for text in [shown.output, manager.launcher.output, text(of: "\(manager.home)/logs/dtm.json")] {
                #expect(!text.contains("4242424242"))
            }
        }

        @Test("A connector offers a Unix socket of its own")
        func unixSocket() throws {
            let manager = try Manager()
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let path = manager.directory.file("offer.sock")
            let unix = try manager.start("connect", "echo", "--unix", path, "--json")
            let isThere = eventually { UnixProbe.answers(path) }
            #expect(isThere, "\(unix.errors)")
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            let through = try run(
                "socat", ["-t5", "-", "UNIX-CONNECT:\(path)"], in: manager.directory, input: "by a file\n")
            #expect(through.output == "by a file\n", "\(through.errors)")
            unix.signal(SIGTERM)
            #expect(unix.wait() == .exited(0))
            #expect(access(path, F_OK) != 0, "the socket goes with its connector")
        }

        @Test("A connector relays standard input and output: pipes, as ssh gives them, and files")
        func standardStreams() throws {
            let manager = try Manager()
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let file = try manager.directory.write("request", "from a file\n")
            let program = try BuiltProgram.path()
            for (command, wanted) in [
                ("printf 'through pipes\\n' | \(program) connect echo --stdio | cat", "through pipes\n"),
                ("\(program) connect echo --stdio < \(file) | cat", "from a file\n"),
                ("\(program) connect echo --stdio < \(file)", "from a file\n"),
            ] {
                let outcome = try run(
                    "sh", ["-c", command], in: manager.directory, environment: ["DTM_HOME": manager.home])
                #expect(outcome.output == wanted, "\(command): \(outcome)")
                #expect(outcome.status == 0)
            }
        }

        @Test("--listen serves its own user alone, unless told otherwise", .enabled(if: OtherUser.nobody != nil))
        func callers() throws {
            let user = try #require(OtherUser.nobody)
            let manager = try Manager()
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let own = try Connection(manager, to: "echo")
            let before = target.seen
            let command = user.prefix + ["socat", "-t5", "-", "TCP:\(own.endpoint)"]
            let refused = try run(
                command[0], Array(command.dropFirst()), in: try Self.openDirectory(), input: "let me in\n")
            #expect(refused.output == "")
            #expect(target.seen == before)
            let all = try manager.start("connect", "echo", "--listen", "127.0.0.1:0", "--allow-any-local", "--json")
            #expect(eventually { all.output.contains("port") }, "\(all.errors)")
            let line = try #require(all.lines.first)
            let announcement = try JSONValue(line)
            guard case .number(let port)? = announcement["listening"]?["port"] else {
                Issue.record("no port: \(line)")
                return
            }
            let welcome = user.prefix + ["socat", "-t5", "-", "TCP:127.0.0.1:\(Int(port))"]
            let served = try run(
                welcome[0], Array(welcome.dropFirst()), in: try Self.openDirectory(), input: "let me in\n")
            #expect(served.output == "let me in\n", "\(served.errors)")
        }

        /// A folder that other users may look into.
        private static func openDirectory() throws -> TestDirectory {
            let directory = try TestDirectory()
            chmod(directory.path, 0o755)
            return directory
        }
    }
}
