import ArgumentParser
import DTMAPI
import DTMConfiguration
import DTMCore
import DTMDoctor
import Glibc

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check this host, and say what to mend.",
        discussion: """
            Works without a manager; one that runs is asked, since its rights and limits are what counts. Exits with 0 when \
            all is well, or all but notes; with 2 when there are warnings, with 1 when there are errors.
            """)

    @Option(
        help: ArgumentHelp("Check this configuration instead of the one in force.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var config: String?

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        try await reporting(asJSON: manager.json) {
            let report = try await examine()
            let output = Output.standard()
            if manager.json {
                try output.json(report)
            } else {
                try output.lines(DoctorView.lines(report, output.style))
            }
            let status = report.exitStatus
            if status != ExitStatus.success { throw ExitCode(status) }
        }
    }

    private func examine() async throws -> DoctorReport {
        let asked = try await askManager()
        let own = OwnExamination(home: manager.home, homeOption: manager.suffix, file: config, asked: asked.state)
        guard let report = asked.report else { return own.report() }
        return report.completed(by: own.report(), insisting: config == nil ? [] : [ManagerChecks.configurationCode])
    }

    /// What the manager says, and how it stands with it.
    private func askManager() async throws -> (report: DoctorReport?, state: DoctorSettings.ManagerState) {
        do {
            let report = try await ControlClient.withClient(at: manager.locator) { try await $0.doctor() }
            guard report.version != DTMVersion.text else { return (report, .answers(version: report.version)) }
            return (report, .differs(version: report.version, own: DTMVersion.text))
        } catch let error as ControlClientError {
            return (nil, Self.state(error))
        }
    }

    /// What a call that came to nothing says of the manager.
    static func state(_ error: ControlClientError) -> DoctorSettings.ManagerState {
        switch error.code {
        // A socket that nobody answers at is a finding of its own.
        case .noManager, .unreachable: .none
        case .notPermitted: .closed(error.message)
        default: .broken(message: error.message, hint: error.hint)
        }
    }
}
