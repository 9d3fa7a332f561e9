import DTMAPI
import DTMDoctor
import DTMText

/// `dtm doctor` for people: what is wrong, the worst first, then what is not, and the sum of it.
enum DoctorView {
    static func lines(_ report: DoctorReport, _ style: TextStyle) -> [String] {
        head(report, style)
            + HealthSeverity.allCases.reversed().flatMap { group(failures(report, $0), $0, style) }
            + section("Not known", checks(report, .unknown), style)
            + section("In order", checks(report, .passed), style)
            + section("Nothing to check", checks(report, .notApplicable), style)
            + ["", summary(report, style)]
    }

    private static func head(_ report: DoctorReport, _ style: TextStyle) -> [String] {
        [style.paint("dtm doctor", .bold)]
            + fields([
                ("home", report.home.map(shown) ?? "none"),
                ("configuration", report.configuration.map(shown) ?? "defaults"),
                ("checked by", examiner(report)),
            ])
    }

    private static func examiner(_ report: DoctorReport) -> String {
        if let pid = report.managerPID { return "the manager (pid \(pid), uid \(report.uid))" }
        let found = report.checks.first { $0.code == ManagerChecks.managerCode }
        let isRunning = found.map { $0.status != HealthStatus.notApplicable.rawValue } ?? false
        return "this command, as uid \(report.uid): "
            + (isRunning ? "the manager could not be asked" : "no manager is running")
    }

    // MARK: What is wrong

    private static func failures(_ report: DoctorReport, _ severity: HealthSeverity) -> [DoctorReport.Check] {
        report.checks.filter { $0.isFailure && $0.severity == severity.rawValue }
    }

    private static func group(
        _ checks: [DoctorReport.Check], _ severity: HealthSeverity, _ style: TextStyle
    ) -> [String] {
        guard !checks.isEmpty else { return [] }
        return ["", style.paint(heading(severity), paint(severity))] + checks.flatMap { problem($0, style) }
    }

    private static func heading(_ severity: HealthSeverity) -> String {
        switch severity {
        case .error: "Errors"
        case .warning: "Warnings"
        case .note: "Notes"
        }
    }

    private static func paint(_ severity: HealthSeverity) -> TextStyle.Paint {
        switch severity {
        case .error: .red
        case .warning: .yellow
        case .note: .bold
        }
    }

    private static func problem(_ check: DoctorReport.Check, _ style: TextStyle) -> [String] {
        ["  " + style.paint(shown(check.title), .bold) + "  " + style.paint(shown(check.code), .dim)]
            + labelled("found", check.detail, style) + labelled("costs", check.consequence, style)
            + labelled("mend", check.mend, style, wraps: false)
    }

    /// `text` behind its label, its further lines below the first. A command is not broken, so that it can be copied.
    private static func labelled(_ label: String, _ text: String, _ style: TextStyle, wraps: Bool = true) -> [String] {
        let width = max(40, (style.width ?? 120) - 11)
        let lines = text.split(separator: "\n").flatMap {
            wraps ? wrapped(shown(String($0)), to: width) : [shown(String($0))]
        }
        return lines.enumerated().map { index, line in
            "    " + (index == 0 ? pad("\(label):", to: 7) : pad("", to: 7)) + line
        }
    }

    // MARK: The rest

    private static func checks(_ report: DoctorReport, _ status: HealthStatus) -> [DoctorReport.Check] {
        report.checks.filter { $0.status == status.rawValue }
    }

    private static func section(_ heading: String, _ checks: [DoctorReport.Check], _ style: TextStyle) -> [String] {
        guard !checks.isEmpty else { return [] }
        let width = checks.reduce(0) { max($0, columns(of: shown($1.title))) }
        return ["", style.paint(heading, .bold)]
            + checks.flatMap { check in
                check.detail.split(separator: "\n").enumerated().map { index, line in
                    let whole = "  " + pad(index == 0 ? shown(check.title) : "", to: width + 2) + shown(String(line))
                    return style.width.map { cut(whole, to: $0) } ?? whole
                }
            }
    }

    private static func summary(_ report: DoctorReport, _ style: TextStyle) -> String {
        let parts = HealthSeverity.allCases.reversed().compactMap { severity -> String? in
            let count = failures(report, severity).count
            return count == 0 ? nil : Quantity.count(count, severity.rawValue)
        }
        let unknown = checks(report, .unknown).count
        let rest = ["\(checks(report, .passed).count) in order"] + (unknown == 0 ? [] : ["\(unknown) not known"])
        let text = (parts + rest).joined(separator: ", ") + "."
        switch report.exitStatus {
        case ExitStatus.success: return style.paint("All is well: \(text)", .green)
        case ExitStatus.degraded: return style.paint("Not all is well: \(text)", .yellow)
        default: return style.paint("Something is wrong: \(text)", .red)
        }
    }

    private static func pad(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - columns(of: text)))
    }
}
