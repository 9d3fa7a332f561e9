import DTMAPI
import DTMDoctor
import DTMText
import Testing

@testable import DTMCommands

@Suite struct DoctorTests {
    private func check(
        _ code: String, _ status: String, _ severity: String = "warning", detail: String = "found",
        by: String = "manager"
    ) -> DoctorReport.Check {
        DoctorReport.Check(
            code: code, title: "Title of \(code)", status: status, severity: severity, detail: detail,
            consequence: "It costs.", mend: "do this", checkedBy: by)
    }

    private func report(_ checks: [DoctorReport.Check], pid: Int32? = 42) -> DoctorReport {
        DoctorReport(
            version: "1.0.0", home: "/home/ada/.dtm", configuration: nil, uid: 1_000, managerPID: pid, checks: checks)
    }

    @Test(
        arguments: [
            ([], .ok, 0), ([("failed", "note")], .ok, 0), ([("passed", "error"), ("unknown", "error")], .ok, 0),
            ([("failed", "note"), ("failed", "warning")], .degraded, 2),
            ([("failed", "error"), ("failed", "warning")], .failed, 1),
        ] as [([(String, String)], DoctorReport.State, Int32)])
    func `The worst failure decides the exit status`(
        checks: [(String, String)], state: DoctorReport.State, status: Int32
    ) {
        let report = report(checks.map { check("doctor.x", $0.0, $0.1) })
        #expect(report.state == state)
        #expect(report.exitStatus == status)
    }

    @Test func `The manager's word counts, but for what only the caller knows and what the manager could not find out`()
    {
        let managers = report([
            check("doctor.memlock", "passed"), check("doctor.manager", "passed"), check("doctor.clock", "unknown"),
            check("doctor.swap", "unknown"), check("doctor.configuration", "passed"),
        ])
        let own = report(
            [
                check("doctor.memlock", "failed", by: "caller"), check("doctor.manager", "failed", by: "caller"),
                check("doctor.clock", "failed", by: "caller"), check("doctor.swap", "unknown", by: "caller"),
                check("doctor.configuration", "failed", by: "caller"), check("doctor.new", "passed", by: "caller"),
            ], pid: nil)
        let merged = managers.completed(by: own, insisting: [])
        #expect(merged.checks.map(\.code) == managers.checks.map(\.code) + ["doctor.new"])
        #expect(
            merged.checks.map(\.checkedBy) == ["manager", "caller", "caller", "manager", "manager", "caller"])
        #expect(merged.managerPID == 42)
        #expect(merged.state == .degraded)
        let insisting = managers.completed(by: own, insisting: ["doctor.configuration"])
        #expect(insisting.checks[4].checkedBy == "caller")
    }

    @Test func `For people: the worst first, with what it costs and what mends it, and the sum at the end`() {
        let lines = DoctorView.lines(
            report([
                check("doctor.a", "failed", "note"), check("doctor.b", "failed", "error", detail: "one\ntwo"),
                check("doctor.c", "passed"), check("doctor.d", "unknown"), check("doctor.e", "notApplicable"),
            ]), .plain)
        #expect(
            lines == [
                "dtm doctor", "  home           /home/ada/.dtm", "  configuration  defaults",
                "  checked by     the manager (pid 42, uid 1000)", "",
                "Errors", "  Title of doctor.b  doctor.b", "    found: one", "           two", "    costs: It costs.",
                "    mend:  do this", "",
                "Notes", "  Title of doctor.a  doctor.a", "    found: found", "    costs: It costs.",
                "    mend:  do this", "",
                "Not known", "  Title of doctor.d  found", "",
                "In order", "  Title of doctor.c  found", "",
                "Nothing to check", "  Title of doctor.e  found", "",
                "Something is wrong: 1 error, 1 note, 1 in order, 1 not known.",
            ])
    }

    @Test func `Lines fit the terminal, and text from elsewhere can't steer it`() {
        let long = Array(repeating: "word", count: 60).joined(separator: " ")
        let lines = DoctorView.lines(
            report([
                check("doctor.a", "failed", detail: "\(long) \u{1b}[2J"), check("doctor.b", "passed", detail: long),
            ]),
            TextStyle(width: 60, hasColour: false))
        #expect(lines.allSatisfy { columns(of: $0) <= 60 })
        #expect(lines.joined().contains(#"\x1b[2J"#))
    }

    @Test func `Without a manager it says whose rights were looked at`() {
        let none = report([check("doctor.manager", "notApplicable", by: "caller")], pid: nil)
        #expect(
            DoctorView.lines(none, .plain)[3] == "  checked by     this command, as uid 1000: no manager is running")
        let closed = report([check("doctor.manager", "unknown", by: "caller")], pid: nil)
        #expect(DoctorView.lines(closed, .plain)[3].hasSuffix("the manager could not be asked"))
    }

    @Test func `A report crosses the API unchanged, and names all that scripts rely on`() throws {
        let report = report([check("doctor.a", "failed", "note")], pid: nil)
        let text = try APIJSON.encode(report)
        #expect(try APIJSON.decode(DoctorReport.self, from: text) == report)
        let json = String(decoding: text, as: UTF8.self)
        for name in [#""schemaVersion":1"#, #""state":"ok""#, #""managerPid":null"#, #""configuration":null"#] {
            #expect(json.contains(name))
        }
    }
}
