import DTMAnalysis
import DTMCore
import Glibc

/// What the embedded analyst costs for each series that it follows.
struct AnalysisRun {
    let isQuick: Bool
    let progress: (String) -> Void

    /// Ten judged metrics each: a thousand series.
    private static let tunnels = 100
    private static let metrics: [Metric] = [
        .opened, .active, .failed, .rejected, .bytesIn, .bytesOut, .identities, .touches, .cpu, .memory,
    ]

    func run() -> DocumentSection {
        let clock = Stopwatch()
        let before = ProcessTree.residentBytes(of: getpid()) ?? .nan
        var analyst = Analyst(seed: 1)
        var generator = SystemRandomNumberGenerator()
        var now = Timestamp(nanoseconds: 1_790_000_000_000_000_000)
        // Until every history is as long as it gets within two hours, the detectors' whole.
        let warmUp = isQuick ? 900 : 7_200
        let measured = isQuick ? 300 : 1_800
        var milliseconds = 0.0
        for second in 0..<(warmUp + measured) {
            now = now + .seconds(1)
            let readings = Self.readings(using: &generator)
            let start = ProcessorTime.thread
            _ = analyst.take(readings, at: now)
            if second >= warmUp { milliseconds += ProcessorTime.thread - start }
        }
        let bytes = (ProcessTree.residentBytes(of: getpid()) ?? .nan) - before
        let series = Double(analyst.seriesCount)
        progress("analysis: \(Figure.text(clock.seconds)) s")
        let figures = [
            OwnFigure(
                title: "\(analyst.seriesCount) series, a value a second", value: milliseconds / Double(measured) / 10,
                target: 1, unit: "% of a core"),
            OwnFigure(title: "memory of a series", value: bytes / series / 1_024, target: 20, unit: "KB"),
        ]
        return DocumentSection(name: "benchmark-analysis", markdown: Self.table(figures))
    }

    private static func readings(using generator: inout SystemRandomNumberGenerator) -> [Reading] {
        (0..<tunnels).map { number in
            var values: [Metric: Double] = [:]
            for metric in metrics { values[metric] = Double.random(in: 0...100, using: &generator) }
            return Reading(.tunnel("tunnel-\(number)"), values: values)
        }
    }

    private static func table(_ figures: [OwnFigure]) -> String {
        let rows = figures.map { figure in
            let target = figure.target ?? .nan
            return "| \(figure.title) | \(figure.text(figure.value)) | ≤ \(figure.text(target)) | "
                + "\(figure.value <= target ? "reached" : "missed") |\n"
        }
        return "| the analyst |  | to reach |  |\n| --- | --: | --: | --: |\n" + rows.joined()
            + "\nIn the benchmark's own process, one thread: the processor time of `Analyst.take(_:at:)`, a call a second of simulated time, and "
            + "what the process grew by, divided by the number of series.\n"
    }
}
