import ArgumentParser
import DTMAPI

struct EventsCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show what happened, or what happens.",
        discussion: """
            With --json, each event is one JSON object on a line of its own. With --follow, a manager that restarts is \
            waited for, up to 10 seconds; then the command exits with 69.
            """)

    @Flag(name: .shortAndLong, help: "Go on with what happens from now on.")
    var follow = false

    @Option(help: ArgumentHelp("Only what came after the event with this number.", valueName: "id"))
    var since: UInt64?

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        var date: Substring?
        guard follow else {
            for event in try await client.events(after: since).events { try show(event, output, &date) }
            return
        }
        try await EventFollower().run(after: since, open: { try await client.followEvents(after: $0) }) { event in
            try show(event, output, &date)
        }
    }

    /// - Parameter date: That of the row before; rows on a terminal tell the time of day alone.
    private func show(_ event: EventReport, _ output: Output, _ date: inout Substring?) throws {
        let isNewDay = output.style.width != nil && date != EventLine.date(event)
        date = EventLine.date(event)
        try print(event, output) { (isNewDay ? [EventLine.day(event, $0)] : []) + [EventLine.text(event, $0)] }
    }
}
