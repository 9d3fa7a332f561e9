import DTMAPI
import Glibc
import Testing

extension BuiltProgram {
    @Suite("11 dtm doctor")
    struct Doctor {
        private func doctor(
            _ directory: TestDirectory, _ more: [String] = [], user: OtherUser? = nil
        ) throws -> (status: CInt, report: DoctorReport) {
            let command =
                (user?.prefix ?? []) + [try BuiltProgram.path(), "doctor", "--json", "--home", directory.file("home")]
                + more
            let outcome = try run(command[0], Array(command.dropFirst()), in: directory)
            #expect(outcome.errors == "")
            return (outcome.status, try outcome.decode(DoctorReport.self))
        }

        private func check(
            _ code: String, _ report: DoctorReport, sourceLocation: SourceLocation = #_sourceLocation
        ) throws -> DoctorReport.Check {
            try #require(report.checks.first { $0.code == code }, sourceLocation: sourceLocation)
        }

        /// A socket whose listener is gone, as a killed manager leaves it.
        private func leaveSocket(at path: String) throws {
            let code = "import socket; socket.socket(socket.AF_UNIX).bind('\(path)')"
            let directory = try TestDirectory()
            try #require(try run("python3", ["-c", code], in: directory).status == 0)
        }

        @Test("Without a manager, a home open to all, a stale socket and a wrong configuration are found")
        func withoutManager() throws {
            let directory = try TestDirectory()
            mkdir(directory.file("home"), 0o700)
            mkdir(directory.file("home/run"), 0o700)
            try leaveSocket(at: directory.file("home/run/control.sock"))
            try directory.write("home/config.json", #"{"rotation": {"intervalSeconds": 0.1}}"#)
            chmod(directory.file("home"), 0o777)
            let (status, report) = try doctor(directory)
            #expect(status == 1)
            #expect(report.state == .failed)
            #expect(report.managerPID == nil)
            #expect(report.checks.allSatisfy { $0.checkedBy == "caller" })
            let home = try check("doctor.home", report)
            #expect(home.status == "failed" && home.severity == "error" && home.detail.contains("0777"))
            #expect(home.mend.contains("chmod go-rwx \(directory.file("home"))"))
            let socket = try check("doctor.sockets", report)
            #expect(socket.status == "failed" && socket.severity == "warning")
            #expect(socket.detail.contains(directory.file("home/run/control.sock")))
            let configuration = try check("doctor.configuration", report)
            #expect(configuration.status == "failed" && configuration.detail.contains("rotation.intervalSeconds"))
            #expect(try check("doctor.manager", report).status == "notApplicable")
        }

        @Test("What it says to do mends it")
        func mended() throws {
            let directory = try TestDirectory()
            mkdir(directory.file("home"), 0o700)
            mkdir(directory.file("home/run"), 0o700)
            try leaveSocket(at: directory.file("home/run/control.sock"))
            chmod(directory.file("home"), 0o777)
            let found = try doctor(directory).report
            let remedy = try check("doctor.home", found).mend
            #expect(try run("sh", ["-c", remedy], in: directory).status == 0)
            let removal = try #require(try check("doctor.sockets", found).mend.split(separator: ": ").last)
            #expect(try run("sh", ["-c", String(removal)], in: directory).status == 0)
            let (status, report) = try doctor(directory)
            // What this host is otherwise like is not the test's: nothing in a home that is in order is an error.
            #expect([0, 2].contains(status), "\(report.checks.filter(\.isFailure))")
            #expect(try check("doctor.home", report).status == "passed")
            #expect(try check("doctor.sockets", report).status == "notApplicable")
        }

        @Test("A manager that runs is asked, and finds what was opened behind its back")
        func withManager() throws {
            let manager = try Manager(#"{"rotation": {"portRange": [5200, 5300]}}"#)
            var (_, report) = try doctor(manager.directory)
            let control = try manager.status().processes.first { $0.role == "control" }
            #expect(report.managerPID == control?.pid)
            for code in ["doctor.home", "doctor.files", "doctor.sockets", "doctor.processes", "doctor.manager"] {
                let found = try check(code, report)
                #expect(found.status == "passed", "\(found)")
            }
            #expect(report.checks.filter { $0.checkedBy == "caller" }.map(\.code) == ["doctor.manager"])
            #expect(try check("doctor.ports", report).detail.contains("5200-5300"))
            chmod(manager.home, 0o777)
            try leaveSocket(at: "\(manager.home)/run/old.sock")
            try manager.directory.write("home/config.json", #"{"rotation": {"portRange": [5200, 5400]}}"#)
            let (status, later) = try doctor(manager.directory)
            report = later
            #expect(status == 1)
            let home = try check("doctor.home", report)
            #expect(home.status == "failed" && home.checkedBy == "manager" && home.detail.contains("0777"))
            let socket = try check("doctor.sockets", report)
            #expect(socket.status == "failed" && socket.detail.contains("old.sock"))
            let configuration = try check("doctor.configuration", report)
            #expect(configuration.severity == "note" && configuration.detail.contains("rotation.portRange"))
        }

        @Test("A configuration that is named is the one that is checked, also while a manager runs by another")
        func namedConfiguration() throws {
            let manager = try Manager()
            let file = try manager.directory.write("other.json", #"{"tunnels": [{}]}"#)
            let (status, report) = try doctor(manager.directory, ["--config", file])
            #expect(status == 1)
            let configuration = try check("doctor.configuration", report)
            #expect(configuration.status == "failed" && configuration.checkedBy == "caller")
            #expect(configuration.detail.contains(file))
        }

        @Test("Processes that serve on without their launcher are found")
        func orphans() throws {
            let manager = try Manager()
            manager.launcher.signal(SIGKILL)
            _ = manager.launcher.wait()
            let isFound = try eventually {
                let report = try doctor(manager.directory).report
                let found = try check("doctor.processes", report)
                return found.status == "failed" && found.detail.contains("control")
            }
            #expect(isFound)
        }

        @Test("Someone else is told what is his, and nothing of the manager's", .enabled(if: OtherUser.nobody != nil))
        func otherUser() throws {
            let user = try #require(OtherUser.nobody)
            let manager = try Manager()
            chmod(manager.directory.path, 0o755)
            let (status, closed) = try doctor(manager.directory, user: user)
            #expect(status == 1)
            #expect(closed.managerPID == nil && closed.uid == user.uid)
            #expect(try check("doctor.manager", closed).status != "passed")
            #expect(try check("doctor.home", closed).detail.contains("belongs to uid"))
            let own = try Manager(user: user)
            let report = try doctor(own.directory, user: user).report
            #expect(report.managerPID != nil && report.uid == user.uid)
            #expect(try check("doctor.rights", report).status == "failed")
            #expect(try check("doctor.home", report).status == "passed")
            #expect(try check("doctor.processes", report).status == "passed")
        }
    }
}
