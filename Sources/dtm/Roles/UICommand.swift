import ArgumentParser
import DTMAPI
import DTMCommands
import DTMCore
import DTMSecrets
import DTMState
import DTMTerminalUI
import Glibc

/// `dtm ui`: the console of a manager that runs.
struct UICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ui", abstract: "Show a running manager on this terminal, live, and steer it with single keys.",
        discussion: """
            Many at once may look at one manager; quitting one stops nothing else. Where the manager goes away, the console \
            waits and comes back with it. ? shows the keys.

            dtm up on a terminal starts one by itself.
            """)

    @Option(
        help: ArgumentHelp(
            "The manager's home. Default: $DTM_HOME or ~/.dtm, then the system's manager.", valueName: "dir"),
        completion: .directory)
    var home: String?

    @Flag(name: .customLong("read-only"), help: "Only look: no key changes anything.")
    var readOnly = false

    @Flag(help: "Draw with ASCII alone.")
    var ascii = false

    /// Given by `dtm up`: the end of this console may be the manager's.
    @Flag(help: .hidden)
    var attached = false

    /// Never called: `main.swift` runs the console before any thread exists.
    func run() async throws { throw ExitCode(await show(ConsoleSignals())) }

    /// What the launcher understands as: the manager goes on.
    private static let leaveRunning: CInt = 3

    /// - Returns: the exit status.
    @MainActor
    func show(_ signals: ConsoleSignals?) async -> CInt {
        guard let signals else {
            return CommandFailure(message: "the console can't get its signals", hint: "see ulimit -n")
                .report(asJSON: false).rawValue
        }
        let options = ConsoleOptions(
            isReadOnly: readOnly, isAttached: attached,
            refusesColours: HomeDirectory.variable("NO_COLOR").map { !$0.isEmpty } ?? false, isASCII: ascii,
            suffix: suffix)
        do {
            let locator = ControlSocketLocator(home: home)
            // That there is nobody to show is said before the screen is taken.
            _ = try locator.locate()
            let console = try Console(options: options, signals: signals, askPassphrase: Self.askPassphrase)
            return exitStatus(await console.run(at: locator))
        } catch {
            return CommandFailure(error).report(asJSON: false).rawValue
        }
    }

    /// Whoever has another home than the usual one says so to every command.
    private var suffix: String {
        guard let home = home.map(HomeDirectory.absolute), home != HomeDirectory.standard() else { return "" }
        return " --home \(shellQuoted(home))"
    }

    private static func askPassphrase() throws -> SharedSecret? {
        guard let prompt = PassphrasePrompt() else { return nil }
        return try prompt.read("This lowers protection. The operator's passphrase: ")?.secret
    }

    private func exitStatus(_ ending: ConsoleEnding) -> CInt {
        switch ending {
        case .quit: 0
        case .leaveRunning: Self.leaveRunning
        case .signal(let number): 128 + number
        }
    }
}
