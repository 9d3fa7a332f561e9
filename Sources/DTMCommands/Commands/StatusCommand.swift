import ArgumentParser
import DTMAPI
import DTMCore

struct StatusCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say how the manager is.",
        discussion: "Exits with 0 when all is well, 2 when something is not, 69 when no manager is running.")

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let report = try await client.status()
        // For people: what stands behind the number of tunnels. Whoever may not see them sees the rest all the same.
        let tunnels = manager.json ? nil : try? await client.tunnels()
        try print(report, output) {
            StatusView.lines(report, $0)
                + StatusView.tunnels(tunnels, $0, now: WallClock().now(), suffix: manager.suffix)
        }
        if !report.degraded.isEmpty { throw ExitCode(ExitStatus.degraded) }
    }
}
