import ArgumentParser
import DTMAPI
import DTMCore
import DTMText

struct RespondCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "respond", abstract: "See what is done about findings, and decide what waits for you.",
        subcommands: [
            RespondListCommand.self, RespondApproveCommand.self, RespondDismissCommand.self, RespondUndoCommand.self,
            RespondStopCommand.self, RespondResumeCommand.self, RespondTestNotifyCommand.self,
        ])
}

struct RespondListCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what waits for a decision, what is in force, and what is over.")

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let list = try await client.responses()
        try print(list, output) { ResponsesView.lines(list, $0, now: WallClock().now()) }
    }
}

struct RespondApproveCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Do what was proposed.",
        discussion:
            "A revocation and an application's end can't be taken back. With sealed state they take the operator's passphrase."
    )

    @Argument(help: ArgumentHelp("The response, as r17.", valueName: "id"))
    var id: String

    @OptionGroup var confirmation: OperatorOptions
    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let entry = try await confirmation.confirming(manager) {
            try await client.decide(.approve, id, passphrase: $0)
        }
        try print(entry, output) { _ in [ResponsesView.line(entry)] }
    }
}

struct RespondDismissCommand: ManagerCommand {
    static let configuration = CommandConfiguration(commandName: "dismiss", abstract: "Put a proposal away.")

    @Argument(help: ArgumentHelp("The response, as r17.", valueName: "id"))
    var id: String

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let entry = try await client.decide(.dismiss, id)
        try print(entry, output) { _ in [ResponsesView.line(entry)] }
    }
}

struct RespondUndoCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Take back what is in force, before its time.",
        discussion: "With sealed state it takes the operator's passphrase.")

    @Argument(help: ArgumentHelp("The response, as r17.", valueName: "id"))
    var id: String

    @OptionGroup var confirmation: OperatorOptions
    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let entry = try await confirmation.confirming(manager) { try await client.decide(.undo, id, passphrase: $0) }
        try print(entry, output) { _ in [ResponsesView.line(entry)] }
    }
}

struct RespondStopCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Take back everything that is in force; nothing acts until it is resumed.",
        discussion: "With sealed state it takes the operator's passphrase.")

    @OptionGroup var confirmation: OperatorOptions
    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let list = try await confirmation.confirming(manager) { try await client.stopResponses(passphrase: $0) }
        try print(list, output) { ResponsesView.lines(list, $0, now: WallClock().now()) }
    }
}

struct RespondResumeCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let responses act again after a stop.")

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let list = try await client.resumeResponses()
        try print(list, output) { ResponsesView.lines(list, $0, now: WallClock().now()) }
    }
}

struct RespondTestNotifyCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "test-notify", abstract: "Send a test to everybody who is told of findings, and say how it went.",
        discussion:
            "Who is told stands in config.json under notify. It exits with 1 when somebody could not be told, or nobody is."
    )

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let test = try await client.testNotifications()
        try print(test, output) { NotificationsView.lines(test, $0) }
        guard !test.results.isEmpty, test.results.allSatisfy(\.delivered) else { throw ExitCode.failure }
    }
}
