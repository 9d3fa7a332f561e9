import FoundationEssentials
import Glibc

/// Measures the console, at a terminal of its own: what a screen costs, how soon it answers, and what it does when nobody
/// touches it, beside `htop` and `btop`.
struct ConsoleRun {
    let program: String
    let scale: Scale
    let workshop: Workshop
    /// Told what happens, for a person who waits.
    let progress: (String) -> Void

    /// Until what is drawn first is there, with the figures that need two looks.
    private static let settling = 4_000.0
    /// After a key, what it changes is there when nothing has come for so long.
    private static let silence: Int32 = 25

    func run() throws -> ConsoleReport {
        var samples = ConsoleSamples()
        let target = try Loopback.listener()
        defer { close(target.descriptor) }
        let manager = try DTMManager.start(
            program, configuration: #"{"tunnels": [{"name": "bench", "target": "127.0.0.1:\#(target.port)"}]}"#,
            in: workshop)
        defer { manager.stop() }
        try prepareBtop()
        samples.ordinaryProcesses = ProcFile.processes().count
        for viewer in Viewer.allCases { samples.ordinary[viewer] = try leaveAlone(viewer, manager) }

        let crowd = try Crowd.start(processes: scale.crowdProcesses, hasSockets: false)
        defer { crowd.end() }
        samples.processes = ProcFile.processes().count
        // Newcomers are looked at more closely for a while.
        sleep(UInt32(scale.consoleSeconds))
        let before = try controlShare(of: manager, seconds: scale.consoleSeconds)
        for viewer in Viewer.allCases {
            samples.crowded[viewer] = try leaveAlone(viewer, manager, showingAll: true)
        }
        samples.control = try (alone: before, withConsole: withConsole(manager, &samples))
        return ConsoleReport(
            samples: samples, scale: scale, machine: Machine(versions: try versions()), load: Machine.load)
    }

    // MARK: Nobody touches it

    private func leaveAlone(_ viewer: Viewer, _ manager: DTMManager, showingAll: Bool = false) throws -> IdleSample {
        let shown = try open(viewer, manager)
        defer { shown.stop(in: workshop) }
        try shown.read(forMilliseconds: Self.settling)
        if viewer == .dtm, showingAll { try showAll(on: shown) }
        let cpu = try shown.cpuMilliseconds()
        let clock = Stopwatch()
        let bytes = try shown.read(forMilliseconds: Double(scale.consoleSeconds) * 1_000).count
        let share = (try shown.cpuMilliseconds() - cpu) / clock.milliseconds * 100
        let sample = IdleSample(cpuShare: share, kilobytesPerSecond: Double(bytes) / clock.seconds / 1_024)
        progress(
            "\(viewer.rawValue): \(Figure.text(share)) % of a core, \(Figure.text(sample.kilobytesPerSecond)) KB/s")
        return sample
    }

    private func open(_ viewer: Viewer, _ manager: DTMManager) throws -> TerminalProgram {
        try TerminalProgram.start(
            viewer.arguments(program: program, home: manager.home),
            environment: viewer == .dtm ? [:] : ["HOME": workshop.directory], in: workshop)
    }

    /// It has no option for how often it looks.
    private func prepareBtop() throws {
        for folder in [".config", ".config/btop"] { mkdir("\(workshop.directory)/\(folder)", 0o700) }
        try ProcFile.write(
            "#? Config file for btop\nupdate_ms = 500\n", to: "\(workshop.directory)/.config/btop/btop.conf")
    }

    /// Lists every process. Throws when fewer are listed than there are: then the figures would be too good.
    private func showAll(on console: TerminalProgram) throws {
        try console.press("v")
        try console.read(untilSilentFor: 100)
        // The whole screen again: otherwise only what differs is drawn.
        try console.press("\u{0c}")
        let screen = String(decoding: try console.read(untilSilentFor: 100), as: UTF8.self)
        let counts = screen.split { !$0.isNumber }.compactMap { Int($0) }
        guard screen.contains("processes"), counts.contains(where: { $0 >= scale.crowdProcesses && $0 < 9_999 }) else {
            throw BenchmarkError("the console does not list \(scale.crowdProcesses) processes")
        }
    }

    // MARK: Keys

    /// One console with all processes listed.
    private func withConsole(_ manager: DTMManager, _ samples: inout ConsoleSamples) throws -> Double {
        let console = try open(.dtm, manager)
        defer { console.stop(in: workshop) }
        try console.read(forMilliseconds: Self.settling)
        try showAll(on: console)
        samples.frame = try frames(on: console)
        progress("a frame: \(Figure.text(samples.frame)) ms")
        samples.answers = try answers(of: console)
        progress("key to screen: \(Figure.text(Statistics.median(samples.answers) ?? .nan)) ms")
        return try controlShare(of: manager, seconds: scale.consoleSeconds, reading: console)
    }

    /// CPU milliseconds that a key costs: down the list, which then scrolls, one screen for each.
    private func frames(on console: TerminalProgram) throws -> Double {
        let cpu = try console.cpuMilliseconds()
        for _ in 1...scale.consoleKeys {
            _ = try console.milliseconds(toAnswer: "j")
            try console.read(untilSilentFor: Self.silence)
        }
        return (try console.cpuMilliseconds() - cpu) / Double(scale.consoleKeys)
    }

    /// Milliseconds from key to screen while every core is busy.
    private func answers(of console: TerminalProgram) throws -> [Double] {
        let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        var burners: [ChildProcess] = []
        defer { for burner in burners { workshop.stop(burner) } }
        for _ in 0..<cores {
            burners.append(try workshop.start(["sh", "-c", "while :; do :; done"], log: "burner.log"))
        }
        return try (0..<scale.consoleKeys).map { _ in
            // At any moment between two screens that come by themselves.
            try console.read(forMilliseconds: .random(in: 50...150))
            return try console.milliseconds(toAnswer: "k")
        }
    }

    // MARK: The manager

    /// Percent of a core that control takes.
    private func controlShare(
        of manager: DTMManager, seconds: Int, reading console: TerminalProgram? = nil
    ) throws -> Double {
        let status = try JSONDecoder().decode(
            StatusRow.self, from: Data(try manager.command(["status", "--json"]).utf8))
        guard let control = status.processes.first(where: { $0.role == "control" }) else {
            throw BenchmarkError("the manager does not say which process is control")
        }
        guard let before = ProcessorTime.process(control.pid) else {
            throw BenchmarkError("control has ended: \(manager.errors)")
        }
        let clock = Stopwatch()
        if let console {
            try console.read(forMilliseconds: Double(seconds) * 1_000)
        } else {
            sleep(UInt32(seconds))
        }
        guard let after = ProcessorTime.process(control.pid) else {
            throw BenchmarkError("control has ended: \(manager.errors)")
        }
        let share = (after - before) / clock.milliseconds * 100
        progress("control \(console == nil ? "alone" : "with a console"): \(Figure.text(share)) % of a core")
        return share
    }

    private func versions() throws -> [String] {
        let own = "dtm \((try? workshop.run([program, "--version"])) ?? "?")"
        return [own]
            + ["htop", "btop"].map { package in
                "\(package) \((try? workshop.run(["dpkg-query", "-W", "-f", "${Version}", package])) ?? "?")"
            }
    }
}

/// The parts of `dtm status --json` that are read here.
private struct StatusRow: Decodable {
    struct Process: Decodable {
        let role: String
        let pid: pid_t
    }
    let processes: [Process]
}
