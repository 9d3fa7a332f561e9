package import ArgumentParser
package import DTMAPI
import DTMCore

/// The options of every command that talks to a manager.
package struct ManagerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The manager's home. Default: $DTM_HOME or ~/.dtm, then the system's manager.", valueName: "dir"),
        completion: .directory)
    package var home: String?

    @Flag(help: "Print one JSON object for scripts; errors too, on standard error.")
    package var json = false

    package init() {}

    package var locator: ControlSocketLocator { ControlSocketLocator(home: home) }

    /// ` --home DIR` when the user named one, so that a command that is suggested reaches the same manager.
    package var suffix: String { home.map { " --home \(shellQuoted($0))" } ?? "" }
}

/// A command that asks a manager or tells it something.
protocol ManagerCommand: AsyncParsableCommand {
    var manager: ManagerOptions { get }
    func run(_ client: ControlClient, _ output: Output) async throws
}

extension ManagerCommand {
    func run() async throws {
        try await reporting(asJSON: manager.json) {
            try await ControlClient.withClient(at: manager.locator) { client in
                try await run(client, .standard())
            }
        }
    }

    /// Prints `value` for scripts, or `lines` for people.
    func print(_ value: some Encodable, _ output: Output, _ lines: (TextStyle) -> [String]) throws {
        if manager.json {
            try output.json(value)
        } else {
            try output.lines(lines(output.style))
        }
    }
}
