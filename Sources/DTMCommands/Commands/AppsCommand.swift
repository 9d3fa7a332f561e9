import ArgumentParser
import DTMAPI

struct AppsCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "apps",
        abstract: "List the applications on this machine, where they listen and how they are protected.",
        discussion: "With --json, all processes are listed, with their connections.")

    @Flag(help: "List the processes that listen nowhere too.")
    var all = false

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let list = try await client.apps()
        try print(list, output) { AppsView.lines(list, $0, all: all) }
    }
}
