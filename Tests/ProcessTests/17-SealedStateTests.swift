import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    @Suite("17 sealed state")
    struct SealedState {
        private func manager(_ sealed: SealedHome) throws -> Manager {
            try Manager(existing: sealed.directory, home: sealed.home, unlock: sealed.passphraseFile)
        }

        @Test("Tunnels, identities and the authority survive a restart, and a control that is killed asks nobody")
        func survives() throws {
            let sealed = try SealedHome()
            let target = try RecordingTarget()
            let manager = try manager(sealed)
            #expect(try manager.status().state.mode == "sealed")
            try manager.protect(target.target, name: "kept", "--allow", "uid:\(geteuid())")
            let before = try manager.tunnel("kept").identity
            let connection = try Connection(manager, to: "kept")
            for process in manager.processes() where process.role == "control" { process.kill() }
            let opened = try manager.event("state.opened") { event in
                event.detail["unlockedBy"].map { "\($0)".contains("kept in memory") } ?? false
            }
            #expect(opened.severity == .notice)
            #expect(try manager.tunnel("kept").identity == before)
            #expect(manager.stop() == .exited(0))
            try manager.restart()
            #expect(try manager.tunnel("kept").identity == before)
            _ = try awaited("the connector does not serve again", within: .seconds(10)) {
                (try? Self.exchange(connection)).flatMap { $0 ? true : nil }
            }
        }

        private static func exchange(_ connection: Connection) throws -> Bool {
            let socket = try connection.socket(patience: 3)
            try socket.send("hello")
            return try socket.receive(exactly: 5) == Array("hello".utf8)
        }

        @Test("Every file is OpenPGP packets, and no name of a tunnel is in any")
        func files() throws {
            let sealed = try SealedHome(operatorKey: true)
            let target = try RecordingTarget()
            let manager = try manager(sealed)
            try manager.protect(target.target, name: "plainly-visible")
            let files = try sealed.files()
            #expect(files.count >= 6)
            for file in files {
                let listed = try sealed.gpg(["--list-packets", file])
                #expect(
                    listed.output.contains(":literal data packet:") || listed.output.contains(":pubkey enc packet:"),
                    "\(file)")
                #expect(!listed.output.contains("unknown packet"), "\(file)")
                #expect(!String(decoding: contents(of: file), as: UTF8.self).contains("plainly-visible"), "\(file)")
            }
            // The search can find it: the log has it.
            let log = String(decoding: contents(of: "\(sealed.home)/logs/dtm.json"), as: UTF8.self)
            #expect(log.contains("plainly-visible"))
        }

        @Test("A wrong passphrase, an empty one and none at all end the start with their reasons, and change nothing")
        func locked() throws {
            let sealed = try SealedHome()
            let before = try sealed.fingerprint()
            for (text, reason) in [
                ("wrong passphrase here\n", "opens with what was given"), ("\n", "empty passphrase"),
                (String(repeating: "x", count: 2_000), "longer than"),
            ] {
                let file = try sealed.directory.write("other", text)
                let program = try sealed.up(["--passphrase-file", file])
                #expect(program.wait(.seconds(20)) == .exited(1))
                #expect(program.errors.contains(reason), "\(program.errors)")
            }
            let program = try sealed.up()
            #expect(program.wait(.seconds(20)) == .exited(1))
            #expect(program.errors.contains("nothing to unlock it with"), "\(program.errors)")
            #expect(try sealed.fingerprint() == before)
        }

        @Test("A systemd credential unlocks it, a wrong one ends the start, and without one the terminal is asked for")
        func credential() throws {
            let sealed = try SealedHome()
            let folder = sealed.directory.file("credentials")
            mkdir(folder, 0o700)
            let surroundings = ["CREDENTIALS_DIRECTORY": folder]
            var program = try sealed.up(environment: surroundings)
            #expect(program.wait(.seconds(20)) == .exited(1))
            #expect(program.errors.contains("a systemd credential dtm-passphrase"), "\(program.errors)")
            try sealed.directory.write("credentials/dtm-passphrase", "not the passphrase", mode: 0o400)
            program = try sealed.up(environment: surroundings)
            #expect(program.wait(.seconds(20)) == .exited(1))
            #expect(program.errors.contains("opens with what was given"), "\(program.errors)")
            unlink("\(folder)/dtm-passphrase")
            // systemd writes what the operator encrypted, which may end without a line feed.
            try sealed.directory.write("credentials/dtm-passphrase", SealedHome.passphrase, mode: 0o400)
            let manager = try Manager(
                existing: sealed.directory, home: sealed.home, unlock: nil,
                under: ["env", "CREDENTIALS_DIRECTORY=\(folder)"])
            try manager.event("state.opened") { event in
                event.detail["unlockedBy"].map { "\($0)".contains("systemd credential dtm-passphrase") } ?? false
            }
            #expect(try manager.status().state.mode == "sealed")
        }

        @Test("A start without the witness serves, and is a warning until the next")
        func witnessMissing() throws {
            let sealed = try SealedHome()
            unlink("\(sealed.home)/witness.pgp")
            #expect(try sealed.state(["status"]).output.contains("witness.pgp is missing"))
            let manager = try manager(sealed)
            #expect(try manager.event("state.witness_missing").severity == .warning)
            let status = try manager.dtm("status")
            #expect(status.status == 2 && status.output.contains("without its witness"), "\(status.output)")
            #expect(manager.stop() == .exited(0))
            try manager.restart()
            #expect(try manager.dtm("status").status == 0)
            #expect(try !sealed.state(["status"]).output.contains("witness.pgp is missing"))
        }

        @Test("The operator's key opens it with gpg")
        func operatorKey() throws {
            let sealed = try SealedHome(operatorKey: true)
            let message = try #require(try sealed.files("state/slots").first { $0.hasSuffix(".key.pgp") })
            let opened = try sealed.gpg(["--decrypt", message])
            let key = try sealed.directory.write("key", opened.output)
            let verified = try sealed.state(["verify", "--passphrase-file", key])
            #expect(verified.status == 0, "\(verified.errors)")
        }

        @Test(
            "A committed generation that is damaged stops the start; recover goes back, and the damaged one is set aside"
        )
        func recover() throws {
            let sealed = try SealedHome()
            let target = try RecordingTarget()
            let manager = try manager(sealed)
            try manager.protect(target.target, name: "first")
            let other = try RecordingTarget()
            try manager.protect(other.target, name: "second")
            #expect(manager.stop() == .exited(0))
            let generations = try sealed.files().filter { $0.contains("/generation-") && !$0.hasSuffix(".head.pgp") }
            let newest = try #require(generations.last)
            var bytes = contents(of: newest)
            bytes[bytes.count / 2] ^= 1
            try sealed.directory.write("home/state/" + newest.split(separator: "/").suffix(1).joined(), bytes)
            let before = try sealed.fingerprint()
            let program = try sealed.up(["--passphrase-file", sealed.passphraseFile])
            #expect(program.wait(.seconds(20)) == .exited(1))
            #expect(program.errors.contains("generation-"), "\(program.errors)")
            #expect(program.errors.contains("dtm state recover"), "\(program.errors)")
            #expect(try sealed.fingerprint() == before)
            let verified = try sealed.state(["verify", "--passphrase-file", sealed.passphraseFile])
            #expect(verified.status == 1)
            let older = try #require(generations.dropLast().last).split(separator: "-").last?.prefix(10)
            let number = try #require(older.flatMap { UInt64($0) })
            let recovered = try sealed.state([
                "recover", "--generation", "\(number)", "--passphrase-file", sealed.passphraseFile,
            ])
            #expect(recovered.status == 0, "\(recovered.errors)")
            #expect(try sealed.files().contains { $0.contains("set-aside-") })
            try manager.restart()
            #expect(try manager.tunnelNames().contains("first"))
        }

        @Test("A backup opens with gpg and the backup key alone, and brings tunnels and identities to another home")
        func backup() throws {
            let sealed = try SealedHome(backups: true)
            let target = try RecordingTarget()
            let manager = try manager(sealed)
            try manager.protect(target.target, name: "kept")
            let identity = try manager.tunnel("kept").identity
            let made = try sealed.state(["backup", "--json"])
            #expect(made.status == 0, "\(made.errors)")
            let file = "\(sealed.home)/backups/\(try made.decode(BackupAnswer.self).file)"
            #expect(manager.stop() == .exited(0))
            let plain = sealed.directory.file("plain")
            let opened = try sealed.gpg(["--output", plain, "--decrypt", file])
            #expect(opened.status == 0, "\(opened.errors)")
            let restored = try sealed.state(
                ["restore", "--from", plain, "--passphrase-file", sealed.passphraseFile, "--single-slot"],
                home: sealed.directory.file("other"))
            #expect(restored.status == 0, "\(restored.errors)")
            let undecrypted = try sealed.state(
                ["restore", "--from", file, "--passphrase-file", sealed.passphraseFile, "--single-slot"],
                home: sealed.directory.file("third"))
            #expect(undecrypted.status == 1)
            #expect(undecrypted.errors.contains("gpg --decrypt"), "\(undecrypted.errors)")
            let second = try Manager(
                existing: sealed.directory, home: sealed.directory.file("other"), unlock: sealed.passphraseFile)
            #expect(try second.tunnel("kept").identity == identity)
        }

        @Test("When the home becomes unwritable the tunnels go on, and what could not be saved is said")
        func unwritable() throws {
            let sealed = try SealedHome()
            let target = try RecordingTarget()
            let manager = try manager(sealed)
            try manager.protect(target.target, name: "kept")
            let connection = try Connection(manager, to: "kept")
            // Modes do not bind root.
            let (close, open) =
                geteuid() == 0 ? (["chattr", "+i"], ["chattr", "-i"]) : (["chmod", "500"], ["chmod", "700"])
            let closed = try run(close[0], [close[1], "\(sealed.home)/state"], in: sealed.directory)
            defer { _ = try? run(open[0], [open[1], "\(sealed.home)/state"], in: sealed.directory) }
            try #require(closed.status == 0, "\(closed.errors)")
            let other = try RecordingTarget()
            let refused = try manager.dtm("protect", other.target, "--name", "unsaved", "--json")
            #expect(refused.status == 1)
            #expect(try refused.failure().error.code == "state.unsaved")
            #expect(try Self.exchange(connection))
            try manager.event("state.save_failed")
            #expect(try manager.status().degraded.contains { $0.contains("can't be saved") })
            _ = try run(open[0], [open[1], "\(sealed.home)/state"], in: sealed.directory)
            try manager.event("state.saved", within: .seconds(25))
            #expect(manager.stop() == .exited(0))
            try manager.restart()
            #expect(try manager.tunnelNames() == ["kept", "unsaved"])
        }

        @Test("Who may steer does not lower protection without the passphrase, which is in no file and not in memory")
        func lowering() throws {
            let sealed = try SealedHome()
            let target = try RecordingTarget()
            let manager = try manager(sealed)
            try manager.protect(target.target, name: "kept")
            for command in [["unprotect", "kept"], ["config", "accept"]] {
                let refused = try manager.dtm(command[0], command[1], "--json")
                #expect(refused.status == 77, "\(command)")
                let failure = try refused.failure().error
                #expect(failure.code == "operator.passphrase_needed")
                #expect(failure.hint?.contains("--passphrase-file") == true)
            }
            let text = "wrong-\(UInt64.random(in: 0 ... .max))-passphrase"
            let wrong = try sealed.directory.write("wrong", text + "\n")
            let refused = try manager.dtm("unprotect", "kept", "--passphrase-file", wrong)
            #expect(refused.status == 77)
            #expect(refused.errors.contains("not the operator's passphrase"), "\(refused.errors)")
            try manager.event("operator.refused") { $0.severity == .warning }
            if geteuid() == 0 {
                let control = try #require(manager.processes().first { $0.role == "control" })
                let found = try ProcessMemory.occurrences(
                    of: [Array(text.utf8), Array("unlockedBy".utf8)], in: control.pid)
                #expect(found[0] == 0 && found[1] > 0, "\(found)")
            }
            let log = String(decoding: contents(of: "\(sealed.home)/logs/dtm.json"), as: UTF8.self)
            #expect(log.contains("operator.refused") && !log.contains(text))
            #expect(try manager.tunnelNames() == ["kept"])
            let done = try awaited("the right one is not heard") {
                let done = try manager.dtm("unprotect", "kept", "--passphrase-file", sealed.passphraseFile)
                return done.errors.contains("wrong passphrases came") ? nil : done
            }
            #expect(done.status == 0, "\(done.errors)")
            #expect(try manager.tunnelNames().isEmpty)
        }

        @Test("On a terminal the passphrase is asked for, without an echo")
        func asked() throws {
            let sealed = try SealedHome()
            let target = try RecordingTarget()
            let manager = try manager(sealed)
            try manager.protect(target.target, name: "kept")
            // script(1) gives it a terminal, and passes on what comes by standard input when the question is there.
            let command = "\(try BuiltProgram.path()) unprotect kept --home \(sealed.home)"
            let program = try ChildProgram(
                .init(
                    program: "script", arguments: ["-qec", command, "/dev/null"], environment: basicEnvironment,
                    directory: sealed.directory.path, hasInput: true))
            let isAsked = eventually { program.output.contains("passphrase: ") || !program.isRunning }
            try #require(isAsked && program.isRunning, "\(program.output) \(program.errors)")
            program.send(SealedHome.passphrase + "\n")
            #expect(program.wait(.seconds(20)) == .exited(0), "\(program.output) \(program.errors)")
            #expect(program.output.contains("kept is removed."), "\(program.output)")
            #expect(!program.output.contains(SealedHome.passphrase))
        }

        @Test("A configuration that protects less is a finding until it is accepted")
        func weakened() throws {
            let sealed = try SealedHome()
            try sealed.directory.write("home/config.json", #"{"rotation": {"intervalSeconds": 10}}"#)
            let manager = try manager(sealed)
            try sealed.directory.write("home/config.json", #"{"rotation": {"intervalSeconds": 600}}"#)
            #expect(try manager.dtm("config", "reload").status == 0)
            try manager.event("configuration.weakened", within: .seconds(25))
            #expect(try manager.dtm("status").status == 2)
            let accepted = try manager.dtm("config", "accept", "--passphrase-file", sealed.passphraseFile)
            #expect(accepted.output.contains("rotation.intervalSeconds"), "\(accepted.output)")
            #expect(try manager.dtm("status").status == 0)
            #expect(manager.stop() == .exited(0))
            try manager.restart()
            #expect(try !manager.events().contains { $0.kind == "configuration.weakened" })
        }
    }
}
