/// What discovery costs, as Markdown.
struct DiscoveryReport {
    let ordinary: OrdinarySamples
    let crowd: CrowdSamples
    /// Whether the crowd had a network of its own.
    let isIsolated: Bool
    let scale: Scale
    let machine: Machine
    /// Before and after.
    let load: (String, String)

    var section: DocumentSection {
        let title = "discovery, \(crowd.processes) processes, \(crowd.sockets) sockets"
        let parts = [Report.table(title, figures), machine.description, method]
        return DocumentSection(name: "benchmark-discovery", markdown: parts.joined(separator: "\n\n") + "\n")
    }

    var figures: [OwnFigure] { costs + shares + attributions + growth }

    private var costs: [OwnFigure] {
        let refresh = (least: crowd.refreshes.min() ?? .nan, median: Statistics.median(crowd.refreshes) ?? .nan)
        let ss = (least: crowd.ss.min() ?? .nan, median: Statistics.median(crowd.ss) ?? .nan)
        let tick = Statistics.mean(crowd.ticks)
        return [
            figure("full refresh, minimum", refresh.least, nil, "ms"),
            figure("full refresh, median", refresh.median, nil, "ms"),
            figure("`ss -tanpi`, minimum", ss.least, nil, "ms"),
            figure("`ss -tanpi`, median", ss.median, nil, "ms"),
            figure("full refresh ÷ `ss -tanpi`, minima", refresh.least / ss.least, 0.5, ""),
            figure("full refresh ÷ `ss -tanpi`, medians", refresh.median / ss.median, 0.5, ""),
            figure("tick at 1 Hz, median", Statistics.median(crowd.ticks) ?? .nan, nil, "ms"),
            figure("tick at 1 Hz, mean", tick, nil, "ms"),
            figure("mean tick ÷ median full refresh", tick / refresh.median, 0.1, ""),
        ]
    }

    /// A tick a second: its milliseconds are tenths of a percent.
    private var shares: [OwnFigure] {
        [
            figure("at 1 Hz, this machine", Statistics.mean(crowd.ticks) / 10, 1, "% of a core"),
            figure(
                "at 1 Hz, the ordinary machine (\(ordinary.processes) processes)", Statistics.mean(ordinary.ticks) / 10,
                0.2, "% of a core"),
        ]
    }

    private var attributions: [OwnFigure] {
        [
            figure("uid and cgroup of a connection, median", micros(Statistics.median(crowd.owners)), 20, "µs"),
            figure(
                "pid and executable, a known connection, median", micros(Statistics.median(crowd.holders)), 1_000, "µs"),
            figure(
                "pid and executable, a new connection of a known process, median",
                micros(Statistics.median(crowd.newHolders)), 1_000, "µs"),
            figure("the same, p99", micros(Statistics.percentile(0.99, of: crowd.newHolders)), nil, "µs"),
            figure(
                "pid and executable, the first connection of a process without sockets, median",
                micros(Statistics.median(crowd.firstHolders)), nil, "µs"),
            figure("connections without an answer", 100 * Double(crowd.unanswered) / Double(attributed), 0, "%"),
        ]
    }

    private var attributed: Int { crowd.holders.count + crowd.newHolders.count + crowd.firstHolders.count }

    private func micros(_ milliseconds: Double?) -> Double { (milliseconds ?? .nan) * 1_000 }

    private var growth: [OwnFigure] {
        let residents = crowd.residents
        let (first, last) = (residents.first ?? .nan, residents.last ?? .nan)
        let middle = residents.isEmpty ? .nan : residents[residents.count / 2]
        return [
            figure("tick with churn, median", Statistics.median(crowd.churnTicks) ?? .nan, nil, "ms"),
            figure("resident after \(scale.churnTicks) ticks with churn", last / 1_048_576, nil, "MB"),
            figure("growth over these ticks", (last - first) / 1_024, Self.flatKilobytes, "KB"),
            figure("growth over the second half of them", (last - middle) / 1_024, nil, "KB"),
        ]
    }

    /// What a flat resident size may differ by: the allocator's own caches and rounding.
    private static let flatKilobytes = 512.0

    private var method: String {
        """
        CPU time in user and kernel mode, of the thread that discovers and of `ss` with its output thrown away. \
        \(scale.discoveryRefreshes) refreshes with counters and runs of `ss`, in turn; \(scale.discoverySeconds) ticks a \
        second apart; \(attributed) connections attributed, none to a wrong process; \(scale.churnTicks) ticks without a \
        pause while \(Figure.text(crowd.churnRate)) processes a second began on the host, and \
        \(crowd.churnProcesses.map(String.init).joined(separator: " to ")) were there. \
        \(isIsolated ? "The crowd had a network of its own." : "The crowd shared the host's network.") \
        Load average before and after: \(load.0) and \(load.1).
        """
    }

    private func figure(_ title: String, _ value: Double, _ target: Double?, _ unit: String) -> OwnFigure {
        OwnFigure(title: title, value: value, target: target, unit: unit)
    }
}
