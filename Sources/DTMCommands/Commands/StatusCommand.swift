import ArgumentParser
import DTMAPI

struct StatusCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say how the manager is.",
        discussion: "Exits with 0 when all is well, 2 when something is not, 69 when no manager is running.")

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let report = try await client.status()
        try print(report, output) { StatusView.lines(report, $0) }
        if !report.degraded.isEmpty { throw ExitCode(ExitStatus.degraded) }
    }
}
