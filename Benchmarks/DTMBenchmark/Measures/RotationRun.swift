import FoundationEssentials
import Glibc

/// One figure of DTM alone, and the most that it may be.
struct OwnFigure {
    let title: String
    let value: Double
    let target: Double?
    /// Empty for a ratio.
    let unit: String

    func text(_ value: Double) -> String { unit.isEmpty ? Figure.text(value) : "\(Figure.text(value)) \(unit)" }
}

/// What no peer does: rotation, and the manager itself.
struct RotationRun {
    let program: String
    let target: Int
    let scale: Scale
    let workshop: Workshop
    let progress: (String) -> Void

    func run() throws -> [OwnFigure] {
        var figures: [OwnFigure] = []
        for (step, measure) in [
            ("forced rotations", forcedRotations), ("many tunnels rotating", manyTunnels), ("starts", starts),
            ("memory with 10 tunnels", memory),
        ] {
            let clock = Stopwatch()
            figures += try measure()
            progress("\(step): \(Figure.text(clock.seconds)) s")
        }
        return figures
    }

    /// From the decision to the new endpoint accepting, as the data plane measures it; and each new endpoint is tried.
    private func forcedRotations() throws -> [OwnFigure] {
        let manager = try DTMManager.start(program, configuration: tunnels(1, interval: 3_600), in: workshop)
        defer { manager.stop() }
        try waitForEndpoints(1, of: manager)
        let events = try manager.follow(["events", "--json", "--follow", "--since", "0"])
        defer { workshop.stop(events) }
        var switches: [Double] = []
        for _ in 1...scale.forcedRotations {
            let output = try manager.command(["rotate", "t1", "--json"])
            switches.append(try nextSwitch(in: events))
            let answer = try JSONDecoder().decode(RotateRows.self, from: Data(output.utf8))
            guard let endpoint = answer.rotations.first?.endpoint,
                Loopback.accepts(host: endpoint.host, port: Int(endpoint.port))
            else { throw BenchmarkError("the endpoint of a forced rotation does not accept: \(output)") }
        }
        return [
            figure(
                "rotation, decision → new endpoint accepting, p50", Statistics.percentile(0.5, of: switches), nil, "ms"),
            figure(
                "rotation, decision → new endpoint accepting, p99", Statistics.percentile(0.99, of: switches), 10, "ms"),
        ]
    }

    /// Milliseconds of the next forced rotation among the events.
    private func nextSwitch(in events: ChildProcess) throws -> Double {
        while let line = try events.readLine(withinMilliseconds: 10_000) {
            let event = try JSONDecoder().decode(EventRow.self, from: Data(line.utf8))
            let forced = event.kind == "tunnel.rotated" && event.detail.generation ?? 0 > 0
            if forced, let time = event.detail.switchMicros { return time / 1_000 }
        }
        throw BenchmarkError("`dtm events --follow` ended: \(workshop.directory)/dtm-follow.log says why")
    }

    private func manyTunnels() throws -> [OwnFigure] {
        let count = scale.rotatingTunnels
        let manager = try DTMManager.start(program, configuration: tunnels(count, interval: 10), in: workshop)
        defer { manager.stop() }
        try waitForEndpoints(count, of: manager)
        let before = try rotations(of: manager)
        let cpu = ProcessTree.cpuSeconds(of: [manager.process.pid])
        let clock = Stopwatch()
        sleep(UInt32(scale.rotatingSeconds))
        let share = (ProcessTree.cpuSeconds(of: [manager.process.pid]) - cpu) / clock.seconds * 100
        let rotated = try rotations(of: manager) - before
        guard rotated >= UInt64(count * scale.rotatingSeconds / 20) else {
            throw BenchmarkError("\(count) tunnels rotated \(rotated) times in \(scale.rotatingSeconds) s")
        }
        return [figure("CPU of \(count) tunnels rotating every 10 s", share, 2, "% of a core")]
    }

    /// From the start of the program until an endpoint is published and accepts. Seen by repeated commands, so a few
    /// milliseconds too much.
    private func starts() throws -> [OwnFigure] {
        let times = try (1...scale.starts).map { _ in
            let clock = Stopwatch()
            let manager = try DTMManager.launch(program, configuration: tunnels(1, interval: 10), in: workshop)
            defer { manager.stop() }
            try waitForEndpoints(1, of: manager)
            return clock.milliseconds
        }
        return [figure("manager start → first tunnel accepting, median", Statistics.median(times), 250, "ms")]
    }

    private func memory() throws -> [OwnFigure] {
        let manager = try DTMManager.start(program, configuration: tunnels(10, interval: 10), in: workshop)
        defer { manager.stop() }
        try waitForEndpoints(10, of: manager)
        // Two turns, so that what a rotation needs is in it.
        sleep(12)
        let bytes = ProcessTree.memoryBytes(of: [manager.process.pid])
        return [figure("resident with 10 tunnels, all of the manager's processes", bytes / 1_048_576, 40, "MB")]
    }

    private func waitForEndpoints(_ count: Int, of manager: DTMManager) throws {
        let clock = Stopwatch()
        while true {
            let endpoints = (try? manager.tunnels().compactMap(\.endpoint)) ?? []
            if endpoints.count == count, endpoints.allSatisfy({ Loopback.accepts(host: $0.host, port: Int($0.port)) }) {
                return
            }
            guard clock.seconds < 20 else {
                throw BenchmarkError("\(endpoints.count) of \(count) tunnels accept after 20 s: \(manager.errors)")
            }
        }
    }

    private func rotations(of manager: DTMManager) throws -> UInt64 {
        try manager.tunnels().map(\.rotations).reduce(0, +)
    }

    private func tunnels(_ count: Int, interval: Int) -> String {
        // One place has one tunnel: each gets a loopback address of its own. Nobody connects to these.
        let rows = (1...count).map {
            #"{"name": "t\#($0)", "target": "127.0.\#($0 / 250 + 1).\#($0 % 250 + 1):\#(target)"}"#
        }
        return #"{"rotation": {"intervalSeconds": \#(interval)}, "tunnels": [\#(rows.joined(separator: ", "))]}"#
    }

    private func figure(_ title: String, _ value: Double?, _ target: Double?, _ unit: String) -> OwnFigure {
        OwnFigure(title: title, value: value ?? .nan, target: target, unit: unit)
    }
}

private struct RotateRows: Decodable {
    struct Row: Decodable { let endpoint: EndpointRow? }

    let rotations: [Row]
}
