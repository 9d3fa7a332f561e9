import ArgumentParser
import DTMAPI

struct RotateCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Move a tunnel, or all of them, to the next endpoint now.",
        discussion: "Connections stay. Returns when the new endpoints accept; exits with 1 when one did not move.")

    @Argument(help: ArgumentHelp("The tunnel's name.", valueName: "name"))
    var name: String?

    @Flag(help: "Move all tunnels.")
    var all = false

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard (name != nil) != all else { throw ValidationError("Name one tunnel, or say --all.") }
    }

    func run(_ client: ControlClient, _ output: Output) async throws {
        let answer = if let name { try await client.rotate(name) } else { try await client.rotateAll() }
        try print(answer, output) { RotationView.lines(answer, $0) }
        if answer.rotations.contains(where: { $0.failure != nil }) { throw ExitCode(ExitStatus.failed) }
    }
}
