import ArgumentParser
import DTMAnalysis
import DTMText
import Glibc

/// Works without a manager: the detectors run here.
struct AnalyzeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyze", abstract: "Score the rows of a table by how unusual they are.",
        discussion: """
            The table has the columns timestamp and value: RFC 3339, YYYY-MM-DD HH:MM:SS (UTC) or Unix seconds, and a number. Each row is \
            scored from 0 to 1 by the rows before it alone, as they come, by the detectors that watch tunnels too; from 0.7 on a row is worth \
            a look. No manager is needed.
            """)

    @Option(help: ArgumentHelp("Read this table; - is the standard input.", valueName: "file"), completion: .file())
    var csv: String

    @Flag(help: "One JSON object for each row, with the reasons of high scores.")
    var json = false

    func run() async throws {
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
