public import DTMCore

/// What goes through one tunnel within a second, out of the data plane's reports. A bounded value: it counts, and keeps no
/// connection.
public struct TrafficMeter: Hashable, Sendable {
    /// The most identities and addresses that are told apart within a second.
    private static let maximumNames = 256

    private var opened: UInt64 = 0
    private var durations = 0.0
    private var ended: UInt64 = 0
    private var identities: Set<String> = []
    private var peers: Set<IPAddress> = []
    private var rejected: UInt64 = 0
    private var touches: UInt64 = 0
    private var counters: TunnelCounters?
    private var previous: TunnelCounters?
    private var lastArrival: Timestamp?
    private var gaps = 0.0
    private var arrivals: UInt64 = 0

    public init() {}

    /// Counts a connection that began.
    public mutating func began(_ flow: FlowStart) {
        opened += 1
        if identities.count < Self.maximumNames { identities.insert(flow.identity) }
        if let peer = flow.peer, peers.count < Self.maximumNames { peers.insert(peer.address) }
        if let lastArrival {
            gaps += max(0, (flow.startedAt - lastArrival).inSeconds)
            arrivals += 1
        }
        lastArrival = flow.startedAt
    }

    /// Counts one that ended.
    public mutating func ended(_ flow: FlowRecord) {
        ended += 1
        durations += max(0, (flow.endedAt - flow.startedAt).inSeconds)
    }

    /// Counts what was turned away, and touches of decoys.
    public mutating func take(_ incident: Incident) {
        switch incident.kind {
        case .decoyTouched: touches += UInt64(incident.count)
        case .handshakeFailed, .identityRefused: rejected += UInt64(incident.count)
        default: break
        }
    }

    /// Takes what the data plane has counted since its start.
    public mutating func take(_ counters: TunnelCounters) { self.counters = counters }

    /// The data plane is gone: its counters begin anew.
    public mutating func lost() {
        counters = nil
        previous = nil
    }

    /// What happened since the last time, each as one second's.
    public mutating func second() -> [Metric: Double] {
        var values: [Metric: Double] = [
            .opened: Double(opened), .rejected: Double(rejected), .touches: Double(touches),
            .identities: Double(identities.count), .peers: Double(peers.count), .active: 0, .failed: 0, .bytesIn: 0,
            .bytesOut: 0,
        ]
        if ended > 0 { values[.duration] = durations / Double(ended) }
        if arrivals > 0 { values[.interArrival] = gaps / Double(arrivals) }
        if let counters {
            values[.active] = Double(counters.active)
            if let previous {
                values[.failed] = Self.difference(counters.failed, previous.failed)
                values[.bytesIn] = Self.difference(counters.bytesIn, previous.bytesIn)
                values[.bytesOut] = Self.difference(counters.bytesOut, previous.bytesOut)
                // Beginnings may be dropped when there are too many; the count is not.
                values[.opened] = max(Double(opened), Self.difference(counters.total, previous.total))
            }
            previous = counters
        }
        let arrival = lastArrival
        let (now, before) = (counters, previous)
        self = TrafficMeter()
        (counters, previous, lastArrival) = (now, before, arrival)
        return values
    }

    private static func difference(_ now: UInt64, _ before: UInt64) -> Double {
        now > before ? Double(now - before) : 0
    }
}
