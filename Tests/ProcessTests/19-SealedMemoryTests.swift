import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// Where the secrets of a sealed state stand in memory: at rest, in use, after the end and in a crash, seen by root.
    @Suite("19 sealed state in memory", .enabled(if: geteuid() == 0, "only root may read such memory"))
    struct SealedMemory {
        private static let tunnel = "a-name-to-find"

        /// A manager with a sealed state and a provider's key, and what is secret about it.
        private final class Subject {
            let passphrase = Subject.random(28)
            let providerKey = "sk-" + Subject.random(45)
            let sealed: SealedHome
            let target: RecordingTarget
            let manager: Manager

            init(under command: [String] = []) throws {
                sealed = try SealedHome(passphrase: passphrase)
                try sealed.directory.write("home/config.json", #"{"openai_api_key": "\#(providerKey)"}"#)
                target = try RecordingTarget()
                manager = try Manager(
                    existing: sealed.directory, home: sealed.home, unlock: sealed.passphraseFile, under: command)
                try manager.protect(target.target, name: SealedMemory.tunnel)
            }

            private static func random(_ count: Int) -> String {
                String((0..<count).compactMap { _ in "abcdefghijkmnpqrstuvwxyz23456789".randomElement() })
            }

            func search() throws -> SecretSearch {
                SecretSearch(
                    secrets: try sealed.secrets(passphrase: passphrase).secrets + [
                        PlantedSecret("provider's key", text: providerKey)
                    ])
            }

            func pid(_ role: String) throws -> pid_t {
                try #require(manager.processes().first { $0.role == role }).pid
            }

            /// Has all of them used: signatures, saves, a configuration that is read again.
            func use() throws {
                for command in [
                    ["certs", "rotate", "--authority"], ["rotate", SealedMemory.tunnel], ["config", "reload"],
                ] {
                    let outcome = try run(
                        try BuiltProgram.path(), command + ["--home", manager.home], in: manager.directory)
                    try #require(outcome.status == 0, "\(outcome.errors)")
                }
            }
        }

        // MARK: At rest

        @Test(
            "At rest none is in the memory of any process, nor in dumps of all of it; a program that holds them shows them"
        )
        func atRest() throws {
            let subject = try Subject()
            let manager = subject.manager
            let connection = try Connection(manager, to: Self.tunnel)
            try subject.use()
            let search = try subject.search()
            let names = Set(search.secrets.map(\.name))
            try #require(names.isSuperset(of: ["root key", "authority.key/issuing", "authority.key/successor"]))
            // At once before the search: what is freed is soon written over by other work.
            try subject.use()
            let domain = try #require(try manager.tunnel(Self.tunnel).identity.split(separator: "/").dropFirst().first)
            let processes = [
                ("control", try subject.pid("control"), Self.tunnel), ("launcher", manager.launcher.pid, manager.home),
                ("dataplane", try subject.pid("dataplane"), String(domain)),
                ("connector", connection.program.pid, String(domain)),
            ]
            for (role, pid, surely) in processes {
                let memory = try search.search(pid, surely: surely)
                #expect(memory.copies == [:] && memory.surely > 0, "\(role): \(memory)")
                let core = try ProcessMemory.dump(pid, manager.directory)
                defer { unlink(core) }
                let dumped = try search.search(file: core, surely: surely)
                #expect(dumped.copies == [:] && dumped.surely > 0, "\(role), dump: \(dumped)")
            }
            try expectFound(search, in: manager.directory)
        }

        /// The search can fail: another program holds each secret, as it is, the other way round and as digits.
        private func expectFound(_ search: SecretSearch, in directory: TestDirectory) throws {
            let lines = search.secrets.map { secret in
                String(decoding: PlantedSecret.digits(secret.forms.flatMap { $0[0] }, uppercase: false), as: UTF8.self)
            }
            let file = try directory.write("plain", lines.joined(separator: "\n"))
            defer { unlink(file) }
            let script = """
                $| = 1; open F, shift; while (<F>) { chomp; my $x = pack 'H*', $_; push @k, $x, scalar reverse($x), uc($_), $_ }
                print "holding\\n"; sleep 60
                """
            let holder = try ChildProgram(
                .init(
                    program: "perl", arguments: ["-e", script, file], environment: basicEnvironment,
                    directory: directory.path))
            try #require(eventually { holder.output.contains("holding") }, "\(holder.errors)")
            let found = try search.search(holder.pid)
            for secret in search.secrets {
                #expect(found.copies[secret.name, default: 0] >= secret.forms[0].count, "\(secret.name): \(found)")
            }
            let core = try ProcessMemory.dump(holder.pid, directory)
            defer { unlink(core) }
            #expect(Set(try search.search(file: core).copies.keys) == Set(search.secrets.map(\.name)))
        }

        // MARK: In use

        @Test("While the authority signs there is at most one copy of its key, and none when it has signed")
        func signing() throws {
            let subject = try Subject()
            let search = try subject.search()
            let control = try subject.pid("control")
            let debugger = try Debugger(control, in: subject.manager.directory)
            // Making BoringSSL's key of it, for each signature, multiplies by it.
            try debugger.command("break CCryptoBoringSSL_ec_point_mul_scalar_base")
            debugger.begin("continue")
            let command = try subject.manager.start("certs", "rotate", Self.tunnel)
            try debugger.wait("key")
            try debugger.command("delete")
            try debugger.command("finish")
            let making = try search.search(control, surely: Self.tunnel)
            try debugger.command("break CCryptoBoringSSL_ECDSA_do_sign")
            try debugger.command("continue")
            let before = try search.search(control, surely: Self.tunnel)
            try debugger.command("delete")
            try debugger.command("finish")
            let after = try search.search(control, surely: Self.tunnel)
            print(
                "copies when BoringSSL has multiplied: \(making); as it begins to sign: \(before); at its end: \(after)"
            )
            for (found, bound) in [(making, 6), (before, 1), (after, 1)] {
                #expect(Set(found.copies.keys) == ["authority.key/issuing"] && found.surely > 0, "\(found)")
                #expect(found.copies.values.allSatisfy { $0 <= bound }, "\(found)")
            }
            debugger.detach()
            #expect(command.wait() == .exited(0), "\(command.errors)")
            #expect(try search.search(control).copies == [:])
        }

        @Test(
            "While a state is opened librnp holds the recipient's key, as often as is documented, and nothing else is open"
        )
        func opening() throws {
            let passphrase = "a passphrase for this test alone"
            let sealed = try SealedHome(passphrase: passphrase)
            let search = SecretSearch(secrets: try sealed.secrets(passphrase: passphrase).secrets)
            let debugger = try Debugger(
                running: [
                    try BuiltProgram.path(), "state", "verify", "--home", sealed.home, "--passphrase-file",
                    sealed.passphraseFile,
                ], in: sealed.directory)
            try debugger.command("break crypto_pwhash_argon2id")
            try debugger.command("run")
            let pid = try debugger.process()
            let deriving = try search.search(pid, surely: sealed.home)
            #expect(deriving.copies == [:] && deriving.surely > 0, "\(deriving)")
            try debugger.command("break rnp_op_verify_execute")
            try debugger.command("continue")
            let decrypting = try search.search(pid, surely: sealed.home)
            print("copies as librnp begins to decrypt: \(decrypting)")
            try debugger.command("delete")
            try debugger.command("break rnp_ffi_destroy")
            try debugger.command("continue")
            let decrypted = try search.search(pid)
            print("copies when librnp has decrypted: \(decrypted)")
            for found in [decrypting, decrypted] {
                #expect(Set(found.copies.keys) == ["recipient's seed", "recipient's scalar"], "\(found)")
                #expect(found.copies.values.allSatisfy { $0 <= 3 }, "\(found)")
            }
            try debugger.command("finish")
            let destroyed = try search.search(pid, surely: sealed.home)
            #expect(destroyed.copies == [:] && destroyed.surely > 0, "\(destroyed)")
        }

        @Test(
            "While control saves librnp holds the key that signs, as often as is documented, and nothing else is open")
        func saving() throws {
            let subject = try Subject()
            let manager = subject.manager
            let control = try subject.pid("control")
            let (secrets, signer) = try subject.sealed.secrets(passphrase: subject.passphrase)
            let debugger = try Debugger(control, in: manager.directory)
            try debugger.command("break rnp_op_encrypt_execute")
            debugger.begin("continue")
            let other = try RecordingTarget()
            let command = try manager.start("protect", other.target, "--name", "another")
            try debugger.wait("save")
            // The key is made at the start and is in no file: it is learnt from librnp's own memory.
            let session = SealedHome.numbers(of: signer, in: try ProcessMemory.image(of: control))
            try #require(session.count == 2)
            let search = SecretSearch(secrets: secrets + session)
            let before = try search.search(control, surely: Self.tunnel)
            try debugger.command("delete")
            try debugger.command("finish")
            let after = try search.search(control, surely: Self.tunnel)
            print("copies as librnp begins to sign and encrypt: \(before); at its end: \(after)")
            for found in [before, after] {
                #expect(Set(found.copies.keys) == Set(session.map(\.name)) && found.surely > 0, "\(found)")
                #expect(found.copies.values.allSatisfy { $0 <= 3 }, "\(found)")
            }
            debugger.detach()
            #expect(command.wait() == .exited(0), "\(command.errors)")
            #expect(try search.search(control).copies == [:])
            let core = try ProcessMemory.dump(control, manager.directory)
            defer { unlink(core) }
            let dumped = try search.search(file: core, surely: Self.tunnel)
            #expect(dumped.copies == [:] && dumped.surely > 0, "\(dumped)")
        }

        @Test(
            "Whenever control is looked at while it saves and signs, no more than that is found, and nothing once it rests"
        )
        func busy() throws {
            let subject = try Subject()
            let search = try subject.search()
            let control = try subject.pid("control")
            let (program, home, directory) = (try BuiltProgram.path(), subject.manager.home, subject.manager.directory)
            let other = try RecordingTarget()
            let target = other.target
            let deadline = ContinuousClock.now + .seconds(4)
            let load = Worker { () throws -> Int in
                var rounds = 0
                while ContinuousClock.now < deadline {
                    for command in [
                        ["protect", target, "--name", "coming-and-going"], ["certs", "rotate"],
                        ["rotate", Self.tunnel], ["unprotect", "coming-and-going"],
                    ] { _ = try run(program, command + ["--home", home], in: directory) }
                    rounds += 1
                }
                return rounds
            }
            var most: [String: Int] = [:]
            var samples = 0
            var surely = 0
            while ContinuousClock.now < deadline {
                let image = try Self.image(of: control)
                let found = search.search(image: image, surely: Self.tunnel)
                most.merge(found.copies, uniquingKeysWith: max)
                surely += found.surely > 0 ? 1 : 0
                samples += 1
            }
            let rounds = try load.value()
            print("most copies in \(samples) looks while \(rounds) rounds of changes were made: \(most)")
            #expect(rounds > 0 && samples > 10 && surely == samples)
            #expect(
                most.keys.allSatisfy { $0 == "authority.key/issuing" } && most.values.allSatisfy { $0 <= 1 }, "\(most)")
            let atRest = try search.search(control, surely: Self.tunnel)
            #expect(atRest.copies == [:] && atRest.surely > 0, "\(atRest)")
        }

        /// What a process can have written, at one moment.
        private static func image(of pid: pid_t) throws -> [[UInt8]] {
            kill(pid, SIGSTOP)
            defer { kill(pid, SIGCONT) }
            try #require(eventually { text(of: "/proc/\(pid)/status").contains("State:\tT") })
            return try ProcessMemory.image(of: pid)
        }

        // MARK: Afterwards

        @Test("After the end none is in what is left: files, logs, what was printed, and a connector that goes on")
        func afterTheEnd() throws {
            let subject = try Subject()
            let manager = subject.manager
            let begin = time(nil)
            let connection = try Connection(manager, to: Self.tunnel)
            try subject.use()
            let search = try subject.search()
            let processes = manager.processes()
            #expect(manager.stop() == .exited(0))
            #expect(!processes.isEmpty && processes.allSatisfy { !$0.isAlive })
            #expect(try search.search(connection.program.pid, surely: Self.tunnel).copies == [:])
            let given = [subject.sealed.passphraseFile, "\(manager.home)/config.json"]
            let files = try Self.files(below: manager.directory.path, manager.directory).filter { !given.contains($0) }
            #expect(files.contains("\(manager.home)/logs/dtm.json") && files.contains(manager.launcher.errorPath))
            let elsewhere = ["/tmp", "/var/tmp", "/dev/shm", "/run"].flatMap { Self.written(since: begin, in: $0) }
            for file in files + elsewhere where !contents(of: file).isEmpty {
                #expect(try search.search(file: file).copies == [:], "\(file)")
            }
            // The search can fail: it finds them where they were given.
            #expect(try search.search(file: given[0]).copies == ["passphrase": 1])
            #expect(try search.search(file: given[1]).copies == ["provider's key": 1])
        }

        private static func files(below folder: String, _ directory: TestDirectory) throws -> [String] {
            try run("find", [folder, "-type", "f", "-size", "-16M"], in: directory).output
                .split(separator: "\n").map(String.init)
        }

        /// Ordinary files right in a folder, that were written since.
        private static func written(since begin: time_t, in folder: String) -> [String] {
            guard let stream = opendir(folder) else { return [] }
            defer { closedir(stream) }
            var found: [String] = []
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                var status = stat()
                guard lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
                    status.st_mtim.tv_sec >= begin, status.st_size < 16 << 20
                else { continue }
                found.append("\(folder)/\(name)")
            }
            return found
        }

        @Test(
            "A control that crashes leaves no core file, nor does it without the limit",
            arguments: [(SIGSEGV, []), (SIGABRT, []), (SIGSEGV, voidLimit)])
        func crash(signal: CInt, under: [String]) throws {
            let subject = try Subject(under: Self.allowingCores + under)
            let (control, directory) = (try subject.pid("control"), subject.manager.directory)
            let limit = text(of: "/proc/\(control)/limits").split(separator: "\n").first { $0.contains("core file") }
            #expect(limit?.contains("unlimited") == !under.isEmpty, "\(limit ?? "")")
            kill(control, signal)
            try subject.manager.event("state.opened") { "\($0.detail["unlockedBy"] ?? "")".contains("kept in memory") }
            #expect(!Self.isAlive(control))
            #expect(try Self.cores(in: directory) == [])
            guard Self.writesCoresHere else { return }
            // Another program in this place leaves one.
            let other = try run("sh", ["-c", "ulimit -c unlimited; kill -\(signal) $$"], in: directory)
            #expect(other.ending == .signalled(signal))
            #expect(try Self.cores(in: directory).count == 1)
        }

        @Test(
            "The core file of a control whose hardening was made void has none of them",
            .enabled(if: writesCoresHere, "the kernel hands core files to a program here"))
        func coreOfCrash() throws {
            let subject = try Subject(under: Self.allowingCores + Self.voidLimit + Self.voidOthers)
            try subject.use()
            let search = try subject.search()
            let control = try subject.pid("control")
            kill(control, SIGSEGV)
            let core = try awaited("no core file", within: .seconds(20)) {
                Self.isAlive(control) ? nil : try Self.cores(in: subject.manager.directory).first
            }
            let found = try search.search(file: core, surely: Self.tunnel)
            #expect(found.copies == [:] && found.surely > 0, "\(found)")
        }

        /// Each process is told that its limit on core files is set, and it is not. The first limit that it asks for is the stack's.
        private static let voidLimit = [
            "strace", "-f", "-qq", "-e", "trace=prctl,prlimit64", "-e", "signal=none", "-o", "/dev/null", "-e",
            "inject=prlimit64:retval=0:when=2",
        ]
        /// Nor is anything else of its hardening.
        private static let voidOthers = ["-e", "inject=prctl:retval=0"]

        private static let allowingCores = ["sh", "-c", #"ulimit -c unlimited; exec "$@""#, "sh"]

        private static var writesCoresHere: Bool {
            let pattern = text(of: "/proc/sys/kernel/core_pattern")
            return !pattern.hasPrefix("|") && !pattern.contains("/")
        }

        private static func isAlive(_ pid: pid_t) -> Bool { ProcessFigures.isAlive(pid) }

        private static func cores(in directory: TestDirectory) throws -> [String] {
            try run("find", [directory.path, "-maxdepth", "2", "-type", "f", "-name", "core*"], in: directory).output
                .split(separator: "\n").map(String.init)
        }
    }
}
