import DTMAnalysis
import DTMCore
import DTMPlan
import Synchronization

/// Counts what the data plane reports, tunnel by tunnel, until the analyst asks. It never holds up whoever reports.
final class TrafficDesk: Sendable {
    /// The most tunnels that are counted.
    private static let maximumTunnels = 4_096
    /// The most connections of a second that are looked at one by one; the rest is counted.
    private static let maximumConnections = 4_096

    /// One connection that began.
    struct Beginning: Sendable {
        var tunnel: TunnelID
        var identity: String
        var time: Timestamp
    }

    private let meters = Mutex<[TunnelID: TrafficMeter]>([:])
    private let beginnings = Mutex<[Beginning]>([])

    func take(_ message: DataPlaneMessage) {
        switch message {
        case .flowBegan(let flow):
            update(flow.tunnel) { $0.began(flow) }
            beginnings.withLock { beginnings in
                guard beginnings.count < Self.maximumConnections else { return }
                beginnings.append(Beginning(tunnel: flow.tunnel, identity: flow.identity, time: flow.startedAt))
            }
        case .flow(let flow): update(flow.tunnel) { $0.ended(flow) }
        case .incident(let incident): if let tunnel = incident.tunnel { update(tunnel) { $0.take(incident) } }
        case .counters(let tunnel, let counters): update(tunnel) { $0.take(counters) }
        default: break
        }
    }

    private func update(_ tunnel: TunnelID, _ body: (inout TrafficMeter) -> Void) {
        meters.withLock { meters in
            guard meters[tunnel] != nil || meters.count < Self.maximumTunnels else { return }
            body(&meters[tunnel, default: TrafficMeter()])
        }
    }

    /// The connections that began since the last time.
    func takeBeginnings() -> [Beginning] {
        beginnings.withLock { beginnings in
            defer { beginnings = [] }
            return beginnings
        }
    }

    /// The data plane is gone.
    func lost() {
        meters.withLock { meters in
            for tunnel in meters.keys { meters[tunnel]?.lost() }
        }
    }

    /// What happened since the last time; tunnels that are gone are forgotten.
    func second(of tunnels: [TunnelID]) -> [TunnelID: [Metric: Double]] {
        meters.withLock { meters in
            var values: [TunnelID: [Metric: Double]] = [:]
            var kept: [TunnelID: TrafficMeter] = [:]
            for tunnel in tunnels {
                var meter = meters[tunnel] ?? TrafficMeter()
                values[tunnel] = meter.second()
                kept[tunnel] = meter
            }
            meters = kept
            return values
        }
    }
}
