import ArgumentParser
import DTMAPI
import DTMCommands
import DTMLauncher

/// `dtm up`: the role of the launcher. `main.swift` starts it before anything else exists; this declaration is what the
/// help and the parser know of it.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run the manager.",
        discussion: """
            On a terminal it shows the console once it serves. Runs until SIGINT or SIGTERM, then drains; a second signal ends it at once. SIGHUP reloads the configuration. \
            Without --config, it is looked for in $DTM_CONFIG, ./config/config.json, the home's config.json and \
            /etc/dtm/config.json; without any of them, the defaults are in force.
            """)

    @Option(
        help: ArgumentHelp("The manager's home. Default: $DTM_HOME or ~/.dtm.", valueName: "dir"),
        completion: .directory)
    var home: String?

    @Option(
        help: ArgumentHelp("The configuration to go by.", valueName: "file"), completion: .file(extensions: ["json"]))
    var config: String?

    @Flag(help: "Put a tunnel in front of each application that listens on this machine only.")
    var auto = false

    @Flag(name: .customLong("no-ui"), help: "Don't show the console, also on a terminal.")
    var noUI = false

    @Flag(help: "Be the system's manager: listen at /run/dtm/control.sock for all users, each with their rights.")
    var system = false

    @Option(
        name: .customLong("passphrase-file"),
        help: ArgumentHelp(
            "Unlock a sealed state with the first line of this file; /dev/stdin is one.", valueName: "file"),
        completion: .file())
    var passphraseFile: String?

    /// Never called: `main.swift` launches before any task exists.
    func run() async throws { throw ExitCode(launch()) }

    /// Runs the launcher on this thread until it is told to end.
    ///
    /// - Returns: the exit status.
    func launch() -> CInt {
        guard let home = home.map(HomeDirectory.absolute) ?? HomeDirectory.standard() else {
            return CommandFailure(
                message: "the manager has no home: this user has none", hint: "name a folder with --home DIR"
            ).report(asJSON: false).rawValue
        }
        do {
            let showsConsole = ConsolePolicy(noUI: noUI, system: system).showsConsole
            return try Launcher.run(
                LauncherOptions(
                    home: home, controlArguments: controlArguments + (showsConsole ? [] : ["--banner"]),
                    console: showsConsole ? ["ui", "--home", home, "--attached"] : nil))
        } catch {
            return CommandFailure(error).report(asJSON: false).rawValue
        }
    }

    private var controlArguments: [String] {
        (config.map { ["--config", HomeDirectory.absolute($0)] } ?? [])
            + (auto ? ["--auto"] : []) + (noUI ? ["--no-ui"] : []) + (system ? ["--system"] : [])
            + (passphraseFile.map { ["--passphrase-file", HomeDirectory.absolute($0)] } ?? [])
    }
}
