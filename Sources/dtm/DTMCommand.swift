import ArgumentParser
import DTMCommands
import DTMCore

/// The program's command line: the roles that it can take, and the commands that are clients of a manager.
struct DTMCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dtm",
        abstract: "Protect local applications with mutual-TLS tunnels whose endpoints keep moving.",
        discussion: """
            Start a manager, put a tunnel in front of an application, and use it:

              dtm up
              dtm protect 127.0.0.1:6379 --name redis
              dtm connect redis --listen 127.0.0.1:6380

            Exit status: 0 done, 1 failed, 2 degraded (status, doctor, redteam), 64 wrong usage, 69 no manager is running, 77 not \
            permitted, 78 wrong configuration. Environment: DTM_HOME, DTM_CONFIG, NO_COLOR.
            """,
        version: DTMVersion.text,
        groupedSubcommands: [
            CommandGroup(name: "Run", subcommands: [UpCommand.self, UICommand.self, ConnectCommand.self]),
            CommandCatalogue.looking, CommandCatalogue.steering,
            CommandGroup(name: "Keep", subcommands: [StateCommand.self]),
            CommandCatalogue.testing,
        ])

    static var _errorPrefix: String { "dtm: " }
}
