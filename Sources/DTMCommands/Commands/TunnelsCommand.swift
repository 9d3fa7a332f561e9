import ArgumentParser
import DTMAPI
import DTMCore

struct TunnelsCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "tunnels", abstract: "List the tunnels, where they are now and when they move.")

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let list = try await client.tunnels()
        try print(list, output) { TunnelsView.lines(list, $0, now: WallClock().now()) }
    }
}
