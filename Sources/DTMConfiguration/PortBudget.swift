import DTMCore

/// How many ports a tunnel takes at one time, and where from.
struct PortDemand: Hashable, Sendable {
    var range: ClosedRange<UInt16>
    /// Listeners that are open at one time and can't share a port.
    var ports: Int

    init(range: ClosedRange<UInt16>, ports: Int) {
        self.range = range
        self.ports = ports
    }

    /// With a fixed address, every listener needs a port: the live one, the next one that is opened ahead, one that is
    /// being closed, and as many as the overlap keeps accepting. With addresses that hop, one port serves any number.
    init(_ tunnel: EffectiveTunnel) {
        let interval = max(1, Int(tunnel.intervalMilliseconds))
        let overlapping = (Int(tunnel.overlapMilliseconds) + interval - 1) / interval
        self.init(range: tunnel.portRange, ports: tunnel.addresses == .hop ? 0 : 3 + overlapping)
    }
}

/// A range of ports that can't serve the tunnels whose own ranges lie within it.
struct PortShortage: Hashable, Sendable {
    var range: ClosedRange<UInt16>
    /// The tunnels whose ranges lie within `range`.
    var tunnels: Int
    var needed: Int
    var usable: Int

    var allowed: String {
        let ports = range.count == 1 ? "port" : "ports"
        let subjects = tunnels == 1 ? "1 tunnel needs" : "\(tunnels) tunnels need"
        return "\(needed) usable ports; \(range.lowerBound) to \(range.upperBound) has \(range.count) \(ports), "
            + "\(usable) of them not taken by well-known services, and \(subjects) \(needed) at one time; "
            + "widen the range" + (needed > 1 ? " or set addresses to \"hop\"" : "")
    }
}

/// Whether ranges hold the endpoints of their tunnels.
struct PortBudget: Sendable {
    /// Ascending.
    private let skippedPorts: [UInt16]

    init(skippedPorts: Set<UInt16>) { self.skippedPorts = skippedPorts.sorted() }

    func usable(_ range: ClosedRange<UInt16>) -> Int {
        range.count - (skipped { $0 <= range.upperBound } - skipped { $0 < range.lowerBound })
    }

    /// How many skipped ports come before the first that `isBefore` is false for, by binary search.
    private func skipped(before isBefore: (UInt16) -> Bool) -> Int {
        var (low, high) = (0, skippedPorts.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(skippedPorts[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Ranges that are too small, the smallest ones only. Ports can be dealt out to tunnels exactly when every range
    /// `[a, b]` holds what the tunnels inside it need (Hall's theorem, for intervals).
    func shortages(of demands: [PortDemand]) -> [PortShortage] {
        let unusable = Set(demands.map(\.range)).filter { usable($0) == 0 }
        let empty = unusable.map { range in
            PortShortage(range: range, tunnels: demands.count { $0.range == range }, needed: 1, usable: 0)
        }
        let fixed = demands.filter { $0.ports > 0 && !unusable.contains($0.range) }
            .sorted { $0.range.upperBound < $1.range.upperBound }
        let lowest = Set(fixed.map(\.range.lowerBound))
        let short = lowest.compactMap { firstShortage(from: $0, among: fixed) }
        return minimal(empty + short).sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    /// `demands` are in ascending order of their highest ports.
    private func firstShortage(from lowest: UInt16, among demands: [PortDemand]) -> PortShortage? {
        var shortage = PortShortage(range: lowest...lowest, tunnels: 0, needed: 0, usable: 0)
        for demand in demands where demand.range.lowerBound >= lowest {
            shortage.range = lowest...demand.range.upperBound
            shortage.tunnels += 1
            shortage.needed += demand.ports
            shortage.usable = usable(shortage.range)
            if shortage.needed > shortage.usable { return shortage }
        }
        return nil
    }

    private func minimal(_ shortages: [PortShortage]) -> [PortShortage] {
        shortages.filter { candidate in
            !shortages.contains { other in
                other.range != candidate.range && candidate.range.contains(other.range.lowerBound)
                    && candidate.range.contains(other.range.upperBound)
            }
        }
    }
}
