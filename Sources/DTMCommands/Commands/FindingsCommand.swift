import ArgumentParser
import DTMAPI
import DTMCore

struct FindingsCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "findings", abstract: "Show what looks like an attack, how sure that is and what to do.",
        discussion: """
            Exits with 0; with 2 when the risk of the machine has reached analysis.securityThreshold. With --follow, each \
            finding that is new or worse than before is shown as it comes, with --json as one object on a line of its own.
            """)

    @Argument(help: ArgumentHelp("Show all about the finding with this id.", valueName: "id"))
    var id: String?

    @Option(help: ArgumentHelp("Only what is about this application or its tunnel.", valueName: "name"))
    var app: String?

    @Option(help: ArgumentHelp("Only what has at least this risk, 0 to 100.", valueName: "n"))
    var minRisk = 0

    @Flag(name: .shortAndLong, help: "Go on with what is found from now on.")
    var follow = false

    @Flag(help: "The finding with the id is no threat: hide it until it is seen with a higher risk.")
    var dismiss = false

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard (0...100).contains(minRisk) else {
            throw ValidationError("--min-risk is \(minRisk); allowed are 0 to 100")
        }
        guard !dismiss || id != nil else { throw ValidationError("--dismiss needs the id of a finding") }
        guard !follow || id == nil else { throw ValidationError("--follow shows all findings: leave the id away") }
    }

    func run(_ client: ControlClient, _ output: Output) async throws {
        if let id, dismiss {
            let finding = try await client.dismissFinding(id)
            return try print(finding, output) { _ in ["The finding \(finding.id) is hidden."] }
        }
        var list = try await client.findings()
        if let id { return try showOne(id, list, output) }
        let selection = FindingSelection(app: app, minRisk: minRisk)
        list.findings = list.findings.filter(selection.contains)
        if follow {
            try await go(on: list, selection, client, output)
        }
        try print(list, output) { FindingsView.lines(list, $0, now: WallClock().now()) }
        if let risk = list.risk, risk.machine >= risk.threshold { throw ExitCode(ExitStatus.degraded) }
    }

    private func showOne(_ id: String, _ list: FindingList, _ output: Output) throws {
        let finding = try FindingSelection.one(id, of: list)
        try print(finding, output) { FindingsView.details(finding, $0, now: WallClock().now()) }
    }

    private func go(
        on list: FindingList, _ selection: FindingSelection, _ client: ControlClient, _ output: Output
    ) async throws {
        if manager.json {
            for finding in list.findings { try output.json(finding) }
        } else {
            try output.lines(FindingsView.lines(list, output.style, now: WallClock().now()))
        }
        try await EventFollower().run(after: nil, open: { try await client.followEvents(after: $0) }) { event in
            guard event.kind == Event.Kind.findingRaised, let finding = FindingReport(event),
                selection.contains(finding)
            else { return }
            try print(finding, output) { [FindingsView.line(finding, $0)] }
        }
    }
}
