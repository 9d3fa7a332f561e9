import ArgumentParser
import DTMAPI
import DTMAnalysis
import DTMText
import Glibc

/// Asks the manager about a subject. With a table it works without one: the detectors run here.
struct AnalyzeCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyze", abstract: "Show what is unusual about an application or a tunnel, or score a table.",
        discussion: """
            Exits with 0; with 2 when the risk of the subject has reached analysis.securityThreshold.

            With --csv, the table has the columns timestamp and value: RFC 3339, YYYY-MM-DD HH:MM:SS (UTC) or Unix seconds, and a number. Each row is \
            scored from 0 to 1 by the rows before it alone, as they come, by the detectors that watch tunnels too; from 0.7 on a row is worth \
            a look. No manager is needed.
            """)

    @Option(help: ArgumentHelp("Read this table; - is the standard input.", valueName: "file"), completion: .file())
    var csv: String?

    @Argument(help: ArgumentHelp("An application, a tunnel or a process.", valueName: "name|pid"))
    var subject: String?

    @OptionGroup var manager: ManagerOptions

    private var json: Bool { manager.json }

    func validate() throws {
        guard (csv == nil) != (subject == nil) else {
            throw ValidationError("name an application, a tunnel or a process; or a table with --csv FILE")
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
        guard let subject else { return }
        let report = try await client.analysis(of: subject)
        try print(report, output) { AnalysisView.lines(report, $0) }
        if report.verdict == "threat" { throw ExitCode(ExitStatus.degraded) }
    }

    private func score(_ csv: String) async throws {
        try await reporting(asJSON: json) {
            let name = csv == "-" ? "the standard input" : shown(csv)
            let output = Output.standard()
            do {
                if csv == "-" {
                    try score(STDIN_FILENO, name, output)
                } else {
                    try SecretFile.withDescriptor(of: csv) { try score($0, name, output) }
                }
            } catch let failure as SeriesTable.Failure {
                throw CommandFailure(
                    codeName: "analysis.table", message: "line \(failure.line) of \(name) \(failure.message)",
                    hint: "the rows before it are scored; dtm analyze --help shows what a table looks like")
            }
        }
    }

    private func score(_ descriptor: Int32, _ name: String, _ output: Output) throws {
        var detector = SeriesDetector()
        var table = SeriesTable()
        var lines = json ? [] : ["timestamp,value,score"]
        func take(_ row: SeriesRow) {
            let assessment = detector.observe(row.sample)
            lines.append(
                json ? ScoredRow.json(row, assessment) : ScoredRow.text(row, assessment))
        }
        // What was scored is shown before an error in a later row is told.
        defer { try? output.lines(lines) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while let count = try fill(&buffer, from: descriptor, name) {
            try table.feed(buffer.prefix(count), take)
            try output.lines(lines)
            lines.removeAll(keepingCapacity: true)
        }
        try table.finish(take)
    }

    /// Nil at the end.
    private func fill(_ buffer: inout [UInt8], from descriptor: Int32, _ name: String) throws -> Int? {
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count >= 0 { return count == 0 ? nil : count }
            guard errno == EINTR else {
                throw CommandFailure(message: "\(name) can't be read: \(String(cString: strerror(errno)))")
            }
        }
    }
}
