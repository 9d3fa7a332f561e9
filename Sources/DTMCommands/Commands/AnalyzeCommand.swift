import ArgumentParser
import DTMAPI
import DTMAnalysis
import DTMText

struct AnalyzeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyze",
        abstract: "Show what is unusual about an application or a tunnel, or score a table; teach what is usual.",
        discussion: """
            dtm analyze NAME and dtm analyze --csv FILE are short for dtm analyze show …, which has to be written out for a subject that is called as one of the \
            subcommands.
            """,
        subcommands: [
            AnalyzeShowCommand.self, AnalyzeTrainCommand.self, AnalyzeExportCommand.self, AnalyzeImportCommand.self,
        ], defaultSubcommand: AnalyzeShowCommand.self)
}

/// Asks the manager about a subject. With a table it works without one: the detectors run here.
struct AnalyzeShowCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what is unusual about an application or a tunnel, or score a table.",
        discussion: """
            Exits with 0; with 2 when the risk of the subject has reached analysis.securityThreshold.

            With --csv, the table has the columns timestamp and value: RFC 3339, YYYY-MM-DD HH:MM:SS (UTC) or Unix seconds, and a number. Each row is \
            scored from 0 to 1 by the rows before it alone, as they come, by the detectors that watch tunnels too; from 0.7 on a row is worth \
            a look. No manager is needed.

            With --show-prompt, prints for each model of the configuration the request as it would be sent now, byte for byte but for its key; \
            docs/models.md says what is in it. For who may steer the manager.
            """)

    @Option(help: ArgumentHelp("Read this table; - is the standard input.", valueName: "file"), completion: .file())
    var csv: String?

    @Argument(help: ArgumentHelp("An application, a tunnel or a process.", valueName: "name|pid"))
    var subject: String?

    @Flag(help: "Print exactly what models would be sent now, and send nothing.")
    var showPrompt = false

    @OptionGroup var manager: ManagerOptions

    private var json: Bool { manager.json }

    func validate() throws {
        guard [csv != nil, subject != nil, showPrompt].count(where: \.self) == 1 else {
            throw ValidationError(
                "name an application, a tunnel or a process; or a table with --csv FILE; or give --show-prompt alone")
        }
    }

    func run() async throws {
        guard let csv else {
            return try await reporting(asJSON: json) {
                try await ControlClient.withClient(at: manager.locator) { try await run($0, .standard()) }
            }
        }
        try await score(csv)
    }

    func run(_ client: ControlClient, _ output: Output) async throws {
        if showPrompt {
            let report = try await client.modelPrompt()
            return try print(report, output) { ModelView.prompt(report, $0) }
        }
        guard let subject else { return }
        let report = try await client.analysis(of: subject)
        try print(report, output) { AnalysisView.lines(report, $0) }
        if report.verdict == "threat" { throw ExitCode(ExitStatus.degraded) }
    }

    private func score(_ csv: String) async throws {
        try await reporting(asJSON: json) {
            let output = Output.standard()
            var detector = SeriesDetector()
            var lines = json ? [] : ["timestamp,value,score"]
            // What was scored is shown before an error in a later row is told.
            defer { try? output.lines(lines) }
            try SeriesFile.read(csv, hint: "the rows before it are scored") { row in
                let assessment = detector.observe(row.sample)
                lines.append(json ? ScoredRow.json(row, assessment) : ScoredRow.text(row, assessment))
            } afterEachRead: {
                try output.lines(lines)
                lines.removeAll(keepingCapacity: true)
            }
        }
    }
}
