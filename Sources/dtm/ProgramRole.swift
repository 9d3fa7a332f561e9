import ArgumentParser
import DTMCommands
import DTMDataPlane
import DTMManager
import DTMPlan
import DTMRedteam
import Glibc

/// What this process is for: one program is all of them.
enum ProgramRole {
    /// Started by the launcher.
    case dataPlane
    /// Started by the launcher, with what it hands on.
    case control([String])
    /// `dtm up`.
    case launcher(UpCommand)
    /// `dtm ui`.
    case console(UICommand)
    /// `dtm redteam`.
    case redteam(RedteamCommand)
    /// Started by `dtm redteam`.
    case attacker
    /// Anything else; a connector holds secrets.
    case command(holdsSecrets: Bool)

    /// The launcher's own names for the processes that it starts. Nobody types them.
    static let dataPlaneName = "__dataplane"
    static let controlName = "__control"
    /// The same for what `dtm redteam` starts.
    static let attackerName = "__attacker"

    init(arguments: [String]) {
        switch arguments.dropFirst().first {
        case Self.dataPlaneName?: self = .dataPlane
        case Self.controlName?: self = .control(Array(arguments.dropFirst(2)))
        case Self.attackerName?: self = .attacker
        case "redteam"?:
            self = Self.parse(RedteamCommand.self).map(Self.redteam) ?? .command(holdsSecrets: false)
        case "connect"?, "state"?: self = .command(holdsSecrets: true)
        case "up"?: self = Self.parse(UpCommand.self).map(Self.launcher) ?? .command(holdsSecrets: false)
        case "ui"?: self = Self.parse(UICommand.self).map(Self.console) ?? .command(holdsSecrets: false)
        default: self = .command(holdsSecrets: false)
        }
    }

    /// Nil for help, or a mistake: the ordinary way says so.
    private static func parse<Command>(_ type: Command.Type) -> Command? { try? DTMCommand.parseAsRoot() as? Command }
}

func exitProcess(_ status: CInt) -> Never { exit(status) }

/// Serves as the data plane, on this thread and event loops.
func runDataPlane() -> CInt {
    do {
        let descriptor = OwnedDescriptor(adopting: ProcessChannel.childDescriptor)
        return DataPlaneProcess.run(channel: try ProcessChannel(adopting: descriptor))
    } catch {
        return CommandFailure(
            message: "\(error.message)", hint: "the data plane is started by dtm up, not by hand"
        ).report(asJSON: false).rawValue
    }
}

/// Attacks as `dtm redteam` says.
func runAttacker() -> CInt { Attacker.run() }

/// Serves as control.
func runControl(_ arguments: [String]) async -> CInt {
    do {
        let options = try ControlOptions.parse(arguments)
        return try await ControlProcess.run(arguments: options.controlArguments)
    } catch {
        _ = CommandFailure(error).report(asJSON: false)
        return ControlProcess.exitCode(for: error)
    }
}

/// Does what was typed. Ends the process itself when that is wrong or asks for help.
func runCommand() async { await DTMCommand.main() }
