import NIOCore

/// Measures all tunnels side by side: A B C D A B C D …, so that what changes on the machine meanwhile meets all of
/// them.
struct ComparedRun {
    let contenders: [any Contender]
    let measures: [ComparedMeasure]
    let scale: Scale
    let origin: OriginServer
    let loop: any EventLoop
    let workshop: Workshop
    /// Told what happens, for a person who waits.
    let progress: (String) -> Void

    /// Medians by measure and by tunnel.
    func run() throws -> [ComparedMeasure: [String: Double]] {
        var samples = Samples()
        if measures.contains(.idle) { try measureIdle(into: &samples) }
        if measures.contains(where: { $0 != .idle }) { try measureLoaded(into: &samples) }
        return samples.medians
    }

    /// CPU of tunnels that stay up for the whole of it; one at a time has work.
    private func measureLoaded(into samples: inout Samples) throws {
        var running: [RunningTunnel] = []
        defer { for tunnel in running { tunnel.stop() } }
        for contender in contenders { running.append(try contender.start(target: origin.port, in: workshop)) }
        for tunnel in running { try warmUp(generator(for: tunnel)) }
        for measure in measures where measure != .idle {
            for repetition in 1...scale.repetitions {
                for tunnel in running {
                    let clock = Stopwatch()
                    let value = try sample(measure, of: tunnel)
                    samples.add(value, of: measure, for: tunnel.name)
                    note(measure, tunnel.name, repetition, value, clock)
                }
            }
        }
    }

    private func sample(_ measure: ComparedMeasure, of tunnel: RunningTunnel) throws -> Double {
        let load = generator(for: tunnel)
        let before = tunnel.cpuSeconds
        switch measure {
        case .bulk:
            try load.transfer(.download, bytes: scale.bulkBytes)
            try load.transfer(.upload, bytes: scale.bulkBytes)
            return (tunnel.cpuSeconds - before) / Double(2 * scale.bulkBytes) * 1e9
        case .requests:
            try load.requests(scale.requests, clients: scale.clients)
            return (tunnel.cpuSeconds - before) / Double(scale.requests) * 1e6
        case .connections:
            try load.connections(scale.connections, lanes: scale.connectionLanes)
            return (tunnel.cpuSeconds - before) / Double(scale.connections) * 1e3
        case .idle: throw BenchmarkError("idle connections are measured in fresh processes")
        }
    }

    /// Memory in processes that are started for it: what an earlier load left in their allocators would hide the
    /// growth.
    private func measureIdle(into samples: inout Samples) throws {
        for repetition in 1...scale.idleRepetitions {
            for contender in contenders {
                let clock = Stopwatch()
                let tunnel = try contender.start(target: origin.port, in: workshop)
                defer { tunnel.stop() }
                let value = try idleKilobytes(of: tunnel)
                samples.add(value, of: .idle, for: tunnel.name)
                note(.idle, tunnel.name, repetition, value, clock)
            }
        }
    }

    private func idleKilobytes(of tunnel: RunningTunnel) throws -> Double {
        let load = generator(for: tunnel)
        try load.connections(20, lanes: 4)
        let before = tunnel.memoryBytes
        let idle = try load.idle(scale.idleConnections, lanes: 50)
        defer { idle.close() }
        let after = tunnel.memoryBytes
        guard idle.openCount == scale.idleConnections else {
            throw BenchmarkError("\(tunnel.name) kept \(idle.openCount) of \(scale.idleConnections) idle connections")
        }
        return (after - before) / Double(2 * scale.idleConnections) / 1_024
    }

    private func warmUp(_ load: LoadGenerator) throws {
        try load.transfer(.download, bytes: 20_000_000)
        try load.requests(2_000, clients: scale.clients)
        try load.connections(50, lanes: scale.connectionLanes)
    }

    private func generator(for tunnel: RunningTunnel) -> LoadGenerator {
        LoadGenerator(loop: loop, port: tunnel.entry, limit: .seconds(120))
    }

    private func note(
        _ measure: ComparedMeasure, _ name: String, _ repetition: Int, _ value: Double, _ clock: Stopwatch
    ) {
        progress("\(measure.rawValue) \(repetition): \(name) \(Figure.text(value)) (\(Figure.text(clock.seconds)) s)")
    }
}

/// What was measured, by measure and tunnel.
private struct Samples {
    private var values: [ComparedMeasure: [String: [Double]]] = [:]

    mutating func add(_ value: Double, of measure: ComparedMeasure, for name: String) {
        values[measure, default: [:]][name, default: []].append(value)
    }

    var medians: [ComparedMeasure: [String: Double]] {
        values.mapValues { $0.compactMapValues { Statistics.median($0) } }
    }
}
