import ArgumentParser
import DTMAPI
import DTMAnalysis
import DTMText

struct AnalyzeTrainCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Teach what is usual for one series, from a table.",
        discussion: """
            The table has the columns timestamp and value, as for dtm analyze show --csv. Each row stands for ten seconds; from 60 rows on what is unlike \
            them is found at once. What was learnt of this series before is forgotten. At most 65536 rows.
            """)

    @Argument(help: ArgumentHelp("An application or a tunnel.", valueName: "name"))
    var subject: String

    @Argument(
        help: ArgumentHelp("The series, as dtm analyze NAME --json names it: opened, bytes-out.", valueName: "metric"))
    var metric: String

    @Option(help: ArgumentHelp("Read this table; - is the standard input.", valueName: "file"), completion: .file())
    var csv: String

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        var training = SeriesTraining(metric: metric, times: [], values: [])
        let most = Analyst.Training.maximumRows
        try SeriesFile.read(csv, hint: "nothing was learnt") { row in
            guard training.times.count < most else {
                throw CommandFailure(
                    message: "the table has more than \(most) rows", hint: "give the latest \(most): nothing was learnt"
                )
            }
            training.times.append(row.sample.time)
            training.values.append(row.sample.value.isFinite ? row.sample.value : nil)
        }
        let report = try await client.train(training, of: subject)
        try print(report, output) { _ in BaselineView.lines(report) }
    }
}

struct AnalyzeExportCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write what was learnt of an application or a tunnel into a new file.",
        discussion: "No secrets are in it. It describes traffic, so the file is for its owner alone.")

    @Argument(help: ArgumentHelp("An application or a tunnel.", valueName: "name"))
    var subject: String

    @Option(help: ArgumentHelp("The file; there must be none of this name.", valueName: "file"), completion: .file())
    var output: String

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ printed: Output) async throws {
        let document = try await client.baseline(of: subject)
        try BaselineStore.write(document, to: output)
        try print(BaselineFileReport(kind: document.kind, name: document.name, file: output), printed) { _ in
            ["what was learnt of the \(shown(document.kind)) \(shown(document.name)) is in \(shown(output))"]
        }
    }
}

/// What `dtm analyze export --json` prints.
struct BaselineFileReport: Codable, Hashable {
    var schemaVersion = apiSchemaVersion
    var kind: String
    var name: String
    var file: String
}

struct AnalyzeImportCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Put what dtm analyze export wrote in the place of what is known.")

    @Argument(help: ArgumentHelp("The file.", valueName: "file"), completion: .file())
    var file: String

    @Option(
        help: ArgumentHelp(
            "Take it for this application or tunnel. Default: the one that it was written for.", valueName: "name"))
    var name: String?

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let document = try BaselineStore.read(file)
        let report = try await client.install(document, of: name ?? document.name)
        try print(report, output) { _ in BaselineView.lines(report) }
    }
}

/// What is known from now on, for people.
enum BaselineView {
    static func lines(_ report: BaselineReport) -> [String] {
        let learning = report.metrics.filter(\.learning).map { shown($0.name) }
        let learnt = report.metrics.filter { !$0.learning }.map { shown($0.name) }
        var lines = ["\(shown(report.kind)) \(shown(report.name))"]
        if !learnt.isEmpty { lines.append("  is judged by \(learnt.joined(separator: ", "))") }
        if !learning.isEmpty { lines.append("  still learns \(learning.joined(separator: ", "))") }
        return lines
    }
}
