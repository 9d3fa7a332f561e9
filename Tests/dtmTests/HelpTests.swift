import ArgumentParser
import DTMTestSupport
import Glibc
import Testing

@testable import dtm

/// The help of every command, held against `Snapshots/`. `UPDATE_SNAPSHOTS=1` writes them anew.
@Suite struct HelpTests {
    private static let snapshots = Snapshots("Snapshots")
    private static let commands = walk(DTMCommand.self, named: "dtm")

    private static func walk(
        _ command: any ParsableCommand.Type, named name: String
    ) -> [(name: String, command: any ParsableCommand.Type)] {
        let configuration = command.configuration
        let groups = configuration.groupedSubcommands.flatMap(\.subcommands)
        return [(name, command)]
            + (configuration.ungroupedSubcommands + groups).flatMap { walk($0, named: "\(name)-\($0._commandName)") }
    }

    @Test(arguments: commands.indices)
    func `The help is the one that was agreed on`(index: Int) throws {
        let (name, command) = Self.commands[index]
        try Self.snapshots.compare(DTMCommand.helpMessage(for: command, columns: 80) + "\n", with: name)
    }

    @Test func `Every command has a snapshot, and no snapshot is without its command`() {
        #expect(Self.snapshots.names.sorted() == Self.commands.map(\.name).sorted())
    }

    @Test(arguments: [CompletionShell.bash, .zsh, .fish])
    func `Completions know the commands`(shell: CompletionShell) {
        let script = DTMCommand.completionScript(for: shell)
        for name in [
            "up", "connect", "status", "apps", "protect", "tunnels", "rotate", "events", "config", "certs", "doctor",
        ] {
            #expect(script.contains(name))
        }
    }

    @Test(arguments: [
        ["--nonsense"], ["frobnicate"], ["connect"], ["connect", "x"], ["connect", "x", "--listen", "6380"],
    ])
    func `Wrong usage exits with 64 and speaks as dtm`(arguments: [String]) throws {
        let error = try #require(throws: (any Error).self) { _ = try DTMCommand.parseAsRoot(arguments) }
        #expect(DTMCommand.exitCode(for: error).rawValue == 64)
        #expect(DTMCommand.fullMessage(for: error).hasPrefix("dtm: "))
    }

    @Test func `Connect listens in one way at a time`() {
        for arguments in [
            ["--listen", "127.0.0.1:0"], ["--unix", "/x"], ["--stdio"], ["--listen", "[::1]:1", "--allow-any-local"],
        ] {
            #expect(throws: Never.self) { try ConnectCommand.parse(["x"] + arguments) }
        }
        for arguments in [
            ["--listen", "127.0.0.1:0", "--stdio"], ["--unix", "/x", "--allow-any-local"], ["--stdio", "--json"],
        ] {
            #expect(throws: (any Error).self) { try ConnectCommand.parse(["x"] + arguments) }
        }
    }
}
