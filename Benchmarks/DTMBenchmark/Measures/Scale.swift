/// How much is done in one run of the benchmark.
struct Scale {
    var repetitions: Int
    /// Octets in each direction of one bulk repetition.
    var bulkBytes: Int
    var requests: Int
    var clients = 32
    var connections: Int
    var connectionLanes = 8
    var idleConnections: Int
    var idleRepetitions: Int
    var forcedRotations: Int
    var rotatingTunnels = 100
    var rotatingSeconds: Int
    var starts: Int
    /// Of state, of 1 MB each.
    var saves: Int
    /// With a protected key and with an ordinary one, nine times each.
    var signatures: Int
    /// Of the machine that discovery looks at.
    var crowdProcesses = 2_000
    /// Refreshes and runs of `ss`, in turn.
    var discoveryRefreshes: Int
    /// Ticks a second apart, there and on the ordinary machine.
    var discoverySeconds: Int
    var churnTicks: Int
    /// For which a console is left alone, with the ordinary processes and with many.
    var consoleSeconds: Int
    /// Pressed for the cost of a frame, and as many while every core is busy.
    var consoleKeys: Int

    /// At least 4 GB through each tunnel.
    static let full = Scale(
        repetitions: 5, bulkBytes: 500_000_000, requests: 40_000, connections: 1_000, idleConnections: 1_000,
        idleRepetitions: 3, forcedRotations: 300, rotatingSeconds: 40, starts: 7, saves: 50, signatures: 2_000,
        discoveryRefreshes: 15, discoverySeconds: 60, churnTicks: 10_000, consoleSeconds: 30, consoleKeys: 200)

    /// To see whether it works; the figures are not worth much.
    static let quick = Scale(
        repetitions: 2, bulkBytes: 100_000_000, requests: 8_000, connections: 200, idleConnections: 200,
        idleRepetitions: 1, forcedRotations: 30, rotatingSeconds: 10, starts: 3, saves: 10, signatures: 200,
        discoveryRefreshes: 3, discoverySeconds: 5, churnTicks: 500, consoleSeconds: 6, consoleKeys: 50)
}

/// What is compared between the tunnels, with the least that DTM is to reach.
enum ComparedMeasure: String, CaseIterable {
    case bulk, requests, connections, idle

    var title: String {
        switch self {
        case .bulk: "CPU seconds per GB relayed"
        case .requests: "CPU µs per 64-byte keep-alive request"
        case .connections: "CPU ms per new connection"
        case .idle: "KB per idle connection and end"
        }
    }

    /// The most that DTM's figure may be, as a multiple of the best peer's.
    var target: Double {
        switch self {
        case .bulk: 0.70
        case .connections: 0.75
        case .requests, .idle: 1.0
        }
    }
}
