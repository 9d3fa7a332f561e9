/// What shows what runs here, twice a second.
enum Viewer: String, CaseIterable {
    case dtm = "dtm ui"
    case htop, btop

    func arguments(program: String, home: String) -> [String] {
        switch self {
        case .dtm: [program, "ui", "--home", home]
        case .htop: ["htop", "-d", "5"]
        case .btop: ["btop"]
        }
    }
}

/// A viewer that nobody touches.
struct IdleSample {
    /// Percent of a core.
    let cpuShare: Double
    /// To the terminal.
    let kilobytesPerSecond: Double
}

/// What was measured of the console.
struct ConsoleSamples {
    var ordinaryProcesses = 0
    var processes = 0
    var ordinary: [Viewer: IdleSample] = [:]
    var crowded: [Viewer: IdleSample] = [:]
    /// CPU milliseconds of a key and the screen that it makes.
    var frame = Double.nan
    /// Milliseconds from key to screen while every core is busy.
    var answers: [Double] = []
    /// Percent of a core that control takes.
    var control = (alone: Double.nan, withConsole: Double.nan)
}

/// What the console costs, as Markdown.
struct ConsoleReport {
    let samples: ConsoleSamples
    let scale: Scale
    let machine: Machine
    let load: String

    var section: DocumentSection {
        let title = "the console, \(TerminalProgram.columns)×\(TerminalProgram.rows)"
        let parts = [Report.table(title, figures), comparison, machine.description, method]
        return DocumentSection(name: "benchmark-console", markdown: parts.joined(separator: "\n\n") + "\n")
    }

    private var figures: [OwnFigure] {
        let many = "\(samples.processes) processes"
        let few = "the ordinary machine (\(samples.ordinaryProcesses) processes)"
        let quiet = samples.ordinary[.dtm]
        return [
            figure("CPU of a key and its screen, \(many)", samples.frame, 5, "ms"),
            figure(
                "key → screen, \(many), every core busy, p50", Statistics.percentile(0.5, of: samples.answers), nil,
                "ms"),
            figure("the same, p99", Statistics.percentile(0.99, of: samples.answers), 50, "ms"),
            figure("left alone, \(few)", quiet?.cpuShare, 0.5, "% of a core"),
            figure("to the terminal, \(few)", quiet?.kilobytesPerSecond, 2, "KB/s"),
            figure("left alone, \(many)", samples.crowded[.dtm]?.cpuShare, nil, "% of a core"),
            figure("to the terminal, \(many)", samples.crowded[.dtm]?.kilobytesPerSecond, nil, "KB/s"),
            figure("control without a console, \(many)", samples.control.alone, nil, "% of a core"),
            figure(
                "control with one console beyond that, \(many)", samples.control.withConsole - samples.control.alone, 1,
                "% of a core"),
        ]
    }

    private var comparison: String {
        let rows: [(String, [Viewer: IdleSample], KeyPath<IdleSample, Double>)] = [
            ("% of a core, \(samples.ordinaryProcesses) processes", samples.ordinary, \.cpuShare),
            ("% of a core, \(samples.processes) processes", samples.crowded, \.cpuShare),
            ("KB/s to the terminal, \(samples.ordinaryProcesses) processes", samples.ordinary, \.kilobytesPerSecond),
            ("KB/s to the terminal, \(samples.processes) processes", samples.crowded, \.kilobytesPerSecond),
        ]
        return Report.table(
            ["left alone, twice a second"] + Viewer.allCases.map { "`\($0.rawValue)`" },
            rows.map { title, values, path in
                [title] + Viewer.allCases.map { values[$0].map { Figure.text($0[keyPath: path]) } ?? "–" }
            })
    }

    private var method: String {
        """
        At pseudo-terminals that are read at once, one viewer at a time, \(scale.consoleSeconds) s each; beside `dtm ui` a \
        manager runs with one tunnel that rotates every 10 s, and what it does is not in the viewers' rows. CPU is the whole \
        process's, of its clock (`clock_getcpuclockid(3)`). A screen's cost is that of \(scale.consoleKeys) keys that move \
        through the list of all processes, waited for one by one, with all else that the console did meanwhile. Key → screen \
        is the time on the wall from a key to the first octet of what it changes, \(samples.answers.count) keys, while one \
        endless loop for each core takes what it can get. Load average at the end: \(load).
        """
    }

    private func figure(_ title: String, _ value: Double?, _ target: Double?, _ unit: String) -> OwnFigure {
        OwnFigure(title: title, value: value ?? .nan, target: target, unit: unit)
    }
}
