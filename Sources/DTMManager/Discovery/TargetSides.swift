import DTMCore

/// The data plane's ends of its connections to targets: by them a connection that goes through a tunnel is told from one that
/// goes past it, where nobody may look into the data plane's descriptors.
///
/// A value. An end is kept a while after its connection's: a look at the host may be older than the news of the end.
struct TargetSides: Sendable {
    /// How long an end is remembered after its connection ended.
    static let memory: Duration = .seconds(60)
    /// The bound, connections that are open and ended ones each. Beyond it the data plane's are told as direct ones, which is
    /// looked into; silence about direct ones would not be.
    static let maximum = 65_536

    private var open: [UInt64: Endpoint] = [:]
    private var ended: [Endpoint: Timestamp] = [:]

    mutating func began(_ flow: FlowStart) {
        guard let end = flow.targetSide?.unmapped, open.count < Self.maximum else { return }
        open[flow.connection] = end
    }

    mutating func ended(_ flow: FlowRecord, at now: Timestamp) {
        guard let end = open.removeValue(forKey: flow.connection) else { return }
        remember(end, at: now)
    }

    /// The data plane is gone, and its connections with it.
    mutating func lost(at now: Timestamp) {
        for end in open.values { remember(end, at: now) }
        open = [:]
    }

    /// All ends that are, or were a short while ago.
    mutating func known(at now: Timestamp) -> Set<Endpoint> {
        prune(at: now)
        return Set(open.values).union(ended.keys)
    }

    private mutating func remember(_ end: Endpoint, at now: Timestamp) {
        if ended.count >= Self.maximum { prune(at: now) }
        guard ended.count < Self.maximum else { return }
        ended[end] = now
    }

    private mutating func prune(at now: Timestamp) { ended = ended.filter { now - $0.value < Self.memory } }
}
