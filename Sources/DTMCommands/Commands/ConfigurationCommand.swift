import ArgumentParser
import DTMAPI
import DTMConfiguration
import DTMText
import Glibc

struct ConfigurationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show, check and reload the configuration.",
        subcommands: [
            ConfigurationDefaultCommand.self, ConfigurationShowCommand.self, ConfigurationValidateCommand.self,
            ConfigurationReloadCommand.self, ConfigurationAcceptCommand.self,
        ])

    /// Finds the file that a manager with this home, started here, would go by.
    static func load(
        file: String? = nil, home: String?
    ) throws(ConfigurationError) -> LoadedConfiguration {
        let folder = home.map(HomeDirectory.absolute) ?? HomeDirectory.standard() ?? "."
        let locator = ConfigurationLocator(
            commandLine: file, environment: HomeDirectory.variable("DTM_CONFIG"), home: folder)
        return try ConfigurationLoader(locator: locator, managerUID: geteuid()).load()
    }

    /// Prints the text of a configuration, for scripts inside an object with its version.
    static func print(_ text: String, asJSON: Bool) throws {
        let output = Output.standard()
        if asJSON {
            try output.json(try ConfigurationReport(text: text))
        } else {
            try output.lines([shownJSON(text.hasSuffix("\n") ? String(text.dropLast()) : text)])
        }
    }
}

struct ConfigurationDefaultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "default", abstract: "Print a config.json with every key and its default.",
        discussion: "Works without a manager: dtm config default > ~/.dtm/config.json")

    @Flag(help: "Print one JSON object for scripts, with the configuration inside.")
    var json = false

    func run() async throws {
        try await reporting(asJSON: json) {
            try ConfigurationCommand.print(Configuration.defaults.renderJSON(), asJSON: json)
        }
    }
}

struct ConfigurationShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print the configuration that is in force.",
        discussion: "Without a manager, what one that starts here would go by. A provider's key is masked.")

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        try await reporting(asJSON: manager.json) {
            try ConfigurationCommand.print(try await text(), asJSON: manager.json)
        }
    }

    private func text() async throws -> String {
        do {
            return try await ControlClient.withClient(at: manager.locator) { try await $0.configuration() }
        } catch let error as ControlClientError where error.code == .noManager || error.code == .unreachable {
            let loaded = try ConfigurationCommand.load(home: manager.home)
            let source = loaded.path ?? "the defaults"
            try Output.standardError().lines(["dtm: no manager is running; one would go by \(shown(source))"])
            return loaded.configuration.renderJSON()
        }
    }
}

struct ConfigurationValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check a config.json and name all of its problems.",
        discussion: """
            Works without a manager. Without a file, the one that a manager would go by is checked. Exits with 78 when the \
            file is not valid.
            """)

    @Argument(help: ArgumentHelp("The file to check.", valueName: "file"), completion: .file(extensions: ["json"]))
    var file: String?

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        try await reporting(asJSON: manager.json) {
            let output = Output.standard()
            do {
                let loaded = try ConfigurationCommand.load(file: file, home: manager.home)
                if manager.json {
                    try output.json(ValidationReport(loaded))
                } else {
                    try output.lines(ValidationView.lines(loaded, output.style))
                }
            } catch let error as ConfigurationError where manager.json {
                // The problems are what was asked for: they are the answer, on standard output.
                try output.json(ValidationReport(error))
                throw ExitCode(ExitStatus.configuration)
            }
        }
    }
}

struct ConfigurationReloadCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Let the manager read its config.json anew.",
        discussion: "A file with problems changes nothing; they are named, and the command exits with 78.")

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let answer = try await client.reloadConfiguration()
        try print(answer, output) { ReloadView.lines(answer, $0) }
    }
}

struct ConfigurationAcceptCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept", abstract: "Say that a configuration which protects less is meant.",
        discussion: """
            A manager with sealed state holds its configuration against the last one that was accepted; what protects less \
            is a finding until then. It takes the operator's passphrase.
            """)

    @OptionGroup var confirmation: OperatorOptions
    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let answer = try await confirmation.confirming(manager) { try await client.acceptConfiguration(passphrase: $0) }
        try print(answer, output) { _ in
            answer.accepted.isEmpty
                ? ["The configuration in force protects no less than the accepted one."]
                : answer.accepted.map { "accepted: \(shown($0))" }
        }
    }
}
