import DTMCore
import DTMTestSupport
import Testing

@testable import DTMAnalysis

/// A redis behind a tunnel, second by second, under a clock of the test's own. Seeded: the same each time.
private struct Simulation {
    var analyst = Analyst(seed: 7)
    var now = Timestamp(nanoseconds: 1_790_000_000_000_000_000)
    var generator: SeededGenerator
    var deployment: UInt64 = 1
    private(set) var seen: [Sighting] = []

    init(seed: UInt64 = 1) { generator = SeededGenerator(seed: seed) }

    /// What a server with some clients does in a second.
    mutating func usual(rate: Double = 6) -> [Metric: Double] {
        let opened = Double(poisson(rate))
        let bytes = (0..<max(1, Int(opened))).reduce(0.0) { sum, _ in
            sum + Double.random(in: 500...4_000, using: &generator)
        }
        return [
            .opened: opened, .active: opened / 2, .failed: 0, .rejected: 0, .touches: 0, .identities: min(opened, 3),
            .bytesIn: bytes / 4, .bytesOut: bytes,
        ]
    }

    private mutating func poisson(_ mean: Double) -> Int {
        // Knuth's method: fine for the small means of here.
        var (count, product) = (0, Double.random(in: 0..<1, using: &generator))
        let limit = Self.exponential(-mean)
        while product > limit, count < 1_000 {
            count += 1
            product *= Double.random(in: 0..<1, using: &generator)
        }
        return count
    }

    private static func exponential(_ value: Double) -> Double {
        var (sum, term) = (1.0, 1.0)
        for index in 1..<200 {
            term *= -value / Double(index)
            sum += term
        }
        return 1 / sum
    }

    /// Somebody who connects besides the usual clients, in the seconds at which `calls` says how often.
    var stranger: (identity: String, calls: (Int) -> Int)?

    private mutating func connections(_ second: Int, _ opened: Double) -> [AcceptedConnection] {
        var all = (0..<Int(opened)).map { _ in
            AcceptedConnection(
                identity: "client-\(Int.random(in: 0..<12, using: &generator))", tunnel: "redis",
                time: now + .milliseconds(Int.random(in: 0..<1_000, using: &generator)))
        }.sorted { $0.time < $1.time }
        if let stranger {
            all += (0..<stranger.calls(second)).map { _ in
                AcceptedConnection(identity: stranger.identity, tunnel: "redis", time: now)
            }
        }
        return all
    }

    mutating func run(seconds: Int, _ change: (Int, inout [Metric: Double]) -> Void = { _, _ in }) {
        for second in 0..<seconds {
            var values = usual()
            change(second, &values)
            let use: [Metric: Double] = [
                .cpu: 5 + (values[.opened] ?? 0) / 10, .memory: 50e6, .threads: 4,
                .connections: 10 + (values[.active] ?? 0),
            ]
            now = now + .seconds(1)
            seen += analyst.take(
                [
                    Reading(.application("redis"), values: use, app: "redis", deployment: deployment),
                    Reading(.tunnel("redis"), values: values, app: "redis"),
                ], accepted: connections(second, values[.opened] ?? 0), at: now)
        }
    }

    mutating func codes() -> Set<String> {
        defer { seen = [] }
        return Set(seen.map(\.code))
    }
}

@Suite struct AnalystScenarioTests {
    private func warm(seed: UInt64 = 1, minutes: Int = 30) -> Simulation {
        var simulation = Simulation(seed: seed)
        simulation.run(seconds: minutes * 60)
        return simulation
    }

    @Test(arguments: [UInt64(1), 2]) func `three hours of ordinary use are no threat`(seed: UInt64) {
        var simulation = Simulation(seed: seed)
        simulation.run(seconds: 3 * 3_600)
        #expect(simulation.seen.allSatisfy { $0.risk < 50 }, "\(simulation.codes())")
        #expect(Set(simulation.seen.map(\.title)).count <= 1)
    }

    @Test func `a load that rises fivefold is unusual, explained, and no threat by itself`() {
        var simulation = warm()
        _ = simulation.codes()
        simulation.run(seconds: 120) { _, values in
            for metric in [Metric.opened, .active, .bytesIn, .bytesOut] { values[metric]? *= 5 }
        }
        let found = simulation.seen.filter { $0.code == "traffic.unusual" }
        #expect(!found.isEmpty)
        #expect(found.contains { $0.evidence.contains { $0.hasPrefix("new connections") && $0.contains("usually") } })
        #expect(simulation.seen.allSatisfy { $0.risk < 70 })
    }

    @Test func `the same after a start of the application is put down to it`() {
        var simulation = warm()
        _ = simulation.codes()
        simulation.deployment = 2
        simulation.run(seconds: 300) { _, values in
            for metric in [Metric.opened, .active, .bytesIn, .bytesOut] { values[metric]? *= 5 }
        }
        #expect(simulation.codes() == ["deployment.changed"])
    }

    @Test func `guesses that are turned away are unusual even after a start`() {
        var simulation = warm()
        _ = simulation.codes()
        simulation.deployment = 2
        simulation.run(seconds: 120) { _, values in values[.rejected] = 25 }
        #expect(simulation.codes().contains("failures.unusual"))
    }

    @Test func `a slow outflow is found, though no minute of it is remarkable`() {
        var simulation = warm(minutes: 90)
        _ = simulation.codes()
        var minutes = 0
        // Each minute two thirds more than usual.
        while minutes < 60, !simulation.seen.contains(where: { $0.code == "traffic.outflow" }) {
            simulation.run(seconds: 60) { _, values in values[.bytesOut]? *= 1.66 }
            minutes += 1
        }
        let found = simulation.seen.first { $0.code == "traffic.outflow" }
        #expect(found != nil && minutes < 45, "\(minutes)")
        #expect(found?.evidence.first?.contains("beyond the usual") ?? false)
        // Held: that is what the ladder asks of detectors.
        _ = simulation.codes()
        simulation.run(seconds: 60) { _, values in values[.bytesOut]? *= 1.66 }
        #expect(simulation.seen.filter { $0.code == "traffic.outflow" }.count >= 5)
    }

    @Test func `an outflow that grows slowly teaches nothing`() {
        var simulation = warm(minutes: 90)
        _ = simulation.codes()
        for minute in 0..<120 {
            simulation.run(seconds: 60) { _, values in values[.bytesOut]? *= 1 + Double(minute) / 30 }
        }
        #expect(simulation.codes().contains("traffic.outflow"))
    }

    @Test func `a client that calls by the clock is a beacon, and the others are none`() {
        var simulation = warm()
        _ = simulation.codes()
        simulation.stranger = ("implant", { $0 % 30 == 0 ? 1 : 0 })
        simulation.run(seconds: 3_000)
        let beacons = simulation.seen.filter { $0.code == "traffic.beacon" }
        #expect(!beacons.isEmpty)
        #expect(beacons.allSatisfy { $0.subject == .identity("implant") && $0.risk < 70 })
        #expect(beacons.first?.evidence.first?.hasPrefix("every 30 s") ?? false, "\(beacons.first?.evidence ?? [])")
    }

    @Test func `a client that suddenly connects a hundred times is a burst of that client`() {
        var simulation = warm()
        _ = simulation.codes()
        simulation.stranger = ("guesser", { $0 < 10 ? 40 : 0 })
        simulation.run(seconds: 30)
        let bursts = simulation.seen.filter { $0.code == "traffic.burst" }
        #expect(bursts.contains { $0.subject == .identity("guesser") }, "\(bursts.map(\.subject))")
        #expect(bursts.allSatisfy { $0.tunnel == "redis" && $0.app == "redis" })
    }

    @Test func `a program that computes without traffic is seen`() {
        var simulation = warm()
        _ = simulation.codes()
        for _ in 0..<300 {
            let values = simulation.usual()
            simulation.now = simulation.now + .seconds(1)
            let sightings = simulation.analyst.take(
                [
                    Reading(
                        .application("redis"), values: [.cpu: 98, .memory: 50e6, .threads: 4, .connections: 15],
                        app: "redis", deployment: 1),
                    Reading(.tunnel("redis"), values: values, app: "redis"),
                ], at: simulation.now)
            if sightings.contains(where: { $0.code == "resources.unusual" && $0.risk < 70 }) { return }
        }
        Issue.record("nothing was said of the processor")
    }

    @Test func `the same readings give the same sightings`() {
        func once() -> [Sighting] {
            var simulation = warm(seed: 9)
            simulation.run(seconds: 60) { _, values in values[.rejected] = 30 }
            return simulation.seen
        }
        #expect(once() == once())
    }

    @Test func `subjects are bounded, and forgotten when they are gone`() {
        var analyst = Analyst()
        let now = Timestamp(nanoseconds: 0)
        let readings = (0..<(Analyst.maximumSubjects + 100)).map {
            Reading(.tunnel("t\($0)"), values: [.opened: 1])
        }
        _ = analyst.take(readings, at: now)
        #expect(analyst.known.count == Analyst.maximumSubjects)
        for second in 0..<10 { _ = analyst.take([], at: now + .seconds(7_200 + second)) }
        #expect(analyst.known.isEmpty)
    }
}
