import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// How secrets lie in memory, by the policy, on kernels that give less, and seen from outside.
    @Suite("18 secrets in memory")
    struct Memory {
        /// Runs a command as on a kernel without `memfd_secret(2)`.
        private static let withoutSecretMemory = [
            "strace", "-f", "-qq", "-e", "trace=memfd_secret", "-e", "inject=memfd_secret:error=ENOSYS", "-e",
            "signal=none", "-o", "/dev/null",
        ]
        private static let preferring = #"{"memory": {"protection": "prefer"}}"#
        private static let requiring = #"{"memory": {"protection": "require"}}"#

        /// Starts a manager that is expected to end by itself.
        private func up(_ configuration: String, under: [String], user: OtherUser? = nil) throws -> Outcome {
            let directory = try TestDirectory()
            let home = directory.file("home")
            mkdir(home, 0o700)
            try directory.write("home/config.json", configuration)
            if let user { user.own(directory.path, home, "\(home)/config.json") }
            let command =
                under + (user?.prefix ?? []) + [try BuiltProgram.path(), "up", "--no-ui", "--home", home]
            return try run(command[0], Array(command.dropFirst()), in: directory)
        }

        @Test("What is required and not to be had ends the manager with one error")
        func required() throws {
            let outcome = try up(Self.requiring, under: Self.withoutSecretMemory)
            #expect(outcome.status == 1, "\(outcome)")
            #expect(outcome.output == "")
            let lines = outcome.errors.split(separator: "\n")
            #expect(lines.count == 2, "\(outcome.errors)")
            #expect(lines.first?.contains(#"memory.protection is "require""#) == true)
            #expect(lines.first?.contains("memfd_secret: Function not implemented") == true)
            #expect(lines.last?.hasPrefix("hint: ") == true)
        }

        @Test("What is preferred and not to be had is told, and the manager serves")
        func preferred() throws {
            let manager = try Manager(Self.preferring, under: Self.withoutSecretMemory)
            #expect(manager.launcher.output.contains("warning         secrets are in locked memory"))
            let report = try #require(try manager.status().memory.protection)
            #expect(report.policy == "prefer" && report.control == "locked" && report.dataPlane == "locked")
            #expect(report.reason == "memfd_secret: Function not implemented")
            for process in ["control", "dataplane"] {
                let event = try manager.event("memory.protection.reduced") { $0.detail["process"] == .string(process) }
                #expect(event.severity == .warning && event.detail["backing"] == "locked")
            }
            #expect(text(of: "\(manager.home)/logs/dtm.json").contains("memory.protection.reduced"))
            let people = try manager.dtm("status").output
            #expect(people.contains("in locked memory (memory.protection is prefer): memfd_secret"), "\(people)")
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let command =
                Self.withoutSecretMemory + [try BuiltProgram.path(), "connect", "echo", "--listen", "127.0.0.1:0"]
            let connector = try ChildProgram(
                .init(
                    program: command[0], arguments: Array(command.dropFirst()),
                    environment: basicEnvironment.merging(["DTM_HOME": manager.home]) { $1 },
                    directory: manager.directory.path))
            #expect(eventually(.seconds(20)) { connector.output.contains("echo is at") }, "\(connector.errors)")
            let warnings = connector.errors.split(separator: "\n").filter {
                $0.contains("secrets are in locked memory")
            }
            #expect(warnings.count == 1, "\(connector.errors)")
            let hosted = try Connection(manager, to: "echo", hosted: true)
            try manager.event("connector.notice") { "\($0.detail["message"] ?? "")".contains("locked memory") }
            #expect(hosted.program.isRunning)
        }

        @Test("With what the kernel gives all is in secret memory, and the doctor says so")
        func best() throws {
            let manager = try Manager(Self.requiring)
            let report = try #require(try manager.status().memory.protection)
            #expect(report == .init(policy: "require", control: "secret", dataPlane: "secret", reason: nil, lapses: []))
            let doctor = try manager.dtm("doctor", "--json").decode(DoctorReport.self)
            let checks = Dictionary(doctor.checks.map { ($0.code, $0) }) { first, _ in first }
            #expect(checks["doctor.protections"]?.status == "passed")
            #expect(checks["doctor.secretmemory"]?.detail.contains("the data plane's in secret memory") == true)
        }

        @Test(
            "Where no memory may be locked, no manager starts, whatever the policy",
            .enabled(if: OtherUser.nobody != nil, "only root can become a user without CAP_IPC_LOCK"),
            arguments: [preferring, requiring])
        func nothingLocked(configuration: String) throws {
            let user = try #require(OtherUser.nobody)
            let outcome = try up(configuration, under: ["sh", "-c", #"ulimit -l 0; exec "$@""#, "sh"], user: user)
            #expect(outcome.status == 1, "\(outcome)")
            let lines = outcome.errors.split(separator: "\n")
            #expect(lines.count == 2, "\(outcome.errors)")
            #expect(lines.first?.contains("for secrets could not be locked in memory") == true)
            #expect(lines.last?.hasPrefix("hint: raise the limit on locked memory: ulimit -l") == true)
        }

        @Test(
            "A data plane that comes back with less than is required ends the manager",
            .enabled(if: geteuid() == 0, "only root may trace the manager's processes"))
        func lessLater() throws {
            let manager = try Manager(Self.requiring)
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let launcher = manager.launcher.pid
            let tracer = try ChildProgram(
                .init(
                    program: "strace", arguments: Array(Self.withoutSecretMemory.dropFirst()) + ["-p", "\(launcher)"],
                    environment: basicEnvironment, directory: manager.directory.path))
            let isTraced = eventually {
                text(of: "/proc/\(launcher)/status").contains("TracerPid:\t\(tracer.pid)\n")
            }
            try #require(isTraced, "\(tracer.errors)")
            try #require(manager.processes().first { $0.role == "dataplane" }).kill()
            #expect(manager.launcher.wait() == .exited(1))
            #expect(
                manager.launcher.errors.contains(
                    #"memory.protection is "require", and secrets of the data plane are in locked memory"#))
            #expect(!manager.launcher.errors.contains("control ended"), "\(manager.launcher.errors)")
        }

        // MARK: Seen from outside

        @Test(
            "Root finds no window key in the memory of control and the data plane, nor in dumps of all of it",
            .enabled(if: geteuid() == 0, "only root may read the memory of a process that is not dumpable"))
        func noSecretAtRest() throws {
            let manager = try Manager(Self.requiring)
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "a-name-to-find")
            let connection = try Connection(manager, to: "a-name-to-find")
            let socket = try connection.socket()
            try socket.send("ping")
            #expect(try socket.receive() == Array("ping".utf8))
            let domain = try #require(
                try manager.tunnel("a-name-to-find").identity.split(separator: "/").dropFirst().first)
            let processes = try manager.status().processes.filter { $0.role != "launcher" }
            #expect(processes.count == 2)
            // At once before the search: what is freed is soon written over by other work.
            let keys = try windowKeys(manager, "a-name-to-find")
            for process in processes + [.init(role: "connector", pid: connection.program.pid, residentBytes: 0)] {
                // The search can fail: what is surely there is found.
                let surely = process.role == "control" ? "a-name-to-find" : String(domain)
                let needles = keys + [Array(surely.utf8)]
                let memory = try ProcessMemory.occurrences(of: needles, in: process.pid)
                #expect(memory.dropLast().allSatisfy { $0 == 0 }, "\(process.role): \(memory)")
                #expect(memory.last ?? 0 > 0, "\(process.role)")
                let core = try ProcessMemory.dump(process.pid, manager.directory)
                defer { unlink(core) }
                let dumped = try ProcessMemory.occurrences(of: needles, inFile: core)
                #expect(dumped.dropLast().allSatisfy { $0 == 0 }, "\(process.role): \(dumped)")
                #expect(dumped.last ?? 0 > 0, "\(process.role)")
            }
        }

        /// As the owner may have them: see `WindowKeysFrame`.
        private func windowKeys(_ manager: Manager, _ tunnel: String) throws -> [[UInt8]] {
            let file = manager.directory.file("keys")
            // Many times, so that a buffer that is left as it was has many chances to be found.
            let place = "http://localhost/v1/tunnels/\(tunnel)/windows?[1-50]"
            let outcome = try run(
                "curl", ["-sS", "--fail", "--unix-socket", manager.socketPath, "-o", file, place], in: manager.directory
            )
            try #require(outcome.status == 0, "\(outcome.errors)")
            let frame = contents(of: file)
            unlink(file)
            try #require(frame.count == WindowKeysFrame.totalBytes)
            return (0..<WindowKeysFrame.entries).map { entry in
                let start = entry * WindowKeysFrame.entryBytes + 8
                return Array(frame[start..<start + WindowKeysFrame.keyBytes])
            }
        }

        // MARK: Verification

        @Test(
            "A protection that is taken away is an event once, and another when it is back",
            .enabled(if: geteuid() == 0, "only root can take one away"))
        func takenAway() throws {
            let manager = try Manager(#"{"verification": {"intervalSeconds": 5}}"#)
            for role in ["control", "dataplane"] {
                let pid = try #require(manager.processes().first { $0.role == role }).pid
                try setDumpable(1, pid, manager.directory)
                let lost = try manager.event("process.protection_lost", within: .seconds(20)) {
                    $0.detail["process"] == .string(role)
                }
                #expect(lost.severity == .critical && "\(lost.detail)".contains("trace and dump"))
                #expect(try manager.dtm("status").status == 2)
                try setDumpable(0, pid, manager.directory)
                try manager.event("process.protection_restored", within: .seconds(20)) {
                    $0.detail["process"] == .string(role)
                }
            }
            #expect(try manager.events().filter { $0.kind == "process.protection_lost" }.count == 2)
            #expect(try manager.dtm("status").status == 0)
        }

        /// Has the process itself do it: root can make it do anything.
        private func setDumpable(_ value: Int, _ pid: pid_t, _ directory: TestDirectory) throws {
            let call = "call (int) prctl(4, \(value), 0, 0, 0)"
            let outcome = try run("gdb", ["-nx", "-batch", "-p", "\(pid)", "-ex", call], in: directory)
            try #require(outcome.output.contains("$1 = 0"), "\(outcome.output) \(outcome.errors)")
        }

        @Test("Another program at the path of the one that runs is noticed")
        func replacedProgram() throws {
            let directory = try TestDirectory()
            let program = directory.file("dtm")
            try #require(try run("cp", [try BuiltProgram.path(), program], in: directory).status == 0)
            let manager = try Manager(#"{"verification": {"intervalSeconds": 5}}"#, program: program)
            // Not before it was seen at its place.
            let old = try directory.write("other", "#!/bin/sh\n", mode: 0o700)
            try #require(rename(old, program) == 0)
            let event = try manager.event("executable.replaced", within: .seconds(20))
            #expect(event.severity == .notice && "\(event.detail)".contains(program))
            #expect(try manager.dtm("status").status == 0)
        }
    }
}
