import ArgumentParser
import DTMAPI
import DTMText

struct UnprotectCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "unprotect", abstract: "Remove a tunnel.",
        discussion:
            "Its connections are cut. One that is declared in config.json comes back with the next reload. With sealed state it takes the operator's passphrase."
    )

    @Argument(help: ArgumentHelp("The tunnel's name.", valueName: "name"))
    var name: String

    @OptionGroup var confirmation: OperatorOptions
    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let answer = try await confirmation.confirming(manager) { try await client.unprotect(name, passphrase: $0) }
        try print(answer, output) { _ in ["\(shown(answer.removed)) is removed."] }
    }
}
