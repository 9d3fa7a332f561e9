public import DTMCore

/// What the manager used and did in the last minute.
public struct PerformanceRecord: Hashable, Sendable {
    /// One tunnel's part.
    public struct Tunnel: Hashable, Sendable {
        public var name: String
        public var bytesInPerSecond: Double
        public var bytesOutPerSecond: Double
        /// Open now.
        public var connections: UInt32
        public var rotations: DurationHistogram

        public init(
            name: String, bytesInPerSecond: Double, bytesOutPerSecond: Double, connections: UInt32,
            rotations: DurationHistogram
        ) {
            self.name = name
            self.bytesInPerSecond = bytesInPerSecond
            self.bytesOutPerSecond = bytesOutPerSecond
            self.connections = connections
            self.rotations = rotations
        }
    }

    /// Of one core, of all of the manager's processes.
    public var cpuPercent: Double
    public var residentBytes: UInt64
    public var lockedBytes: UInt64
    public var tunnels: [Tunnel]

    public init(cpuPercent: Double, residentBytes: UInt64, lockedBytes: UInt64, tunnels: [Tunnel]) {
        self.cpuPercent = cpuPercent
        self.residentBytes = residentBytes
        self.lockedBytes = lockedBytes
        self.tunnels = tunnels
    }

    /// Events of kind `performance.record`: one for the manager as a whole, then one for each tunnel.
    ///
    /// One event a tunnel keeps the names of the details fixed, so that a search for `dtm.detail.rotationP99Micros`
    /// finds all.
    public func events(at time: Timestamp) -> [Event] {
        [managerEvent(at: time)] + tunnels.map { Self.event(of: $0, at: time) }
    }

    private func managerEvent(at time: Timestamp) -> Event {
        Event(
            time: time, kind: Event.Kind.performanceRecord, severity: .info,
            detail: [
                "cpuPercent": .double(cpuPercent.toHundredths),
                "residentBytes": .integer(Int64(clamping: residentBytes)),
                "lockedBytes": .integer(Int64(clamping: lockedBytes)),
                "tunnels": .integer(Int64(tunnels.count)),
                "connections": .integer(tunnels.reduce(0) { $0 + Int64($1.connections) }),
                "bytesInPerSecond": .double(tunnels.reduce(0) { $0 + $1.bytesInPerSecond }.toHundredths),
                "bytesOutPerSecond": .double(tunnels.reduce(0) { $0 + $1.bytesOutPerSecond }.toHundredths),
            ])
    }

    private static func event(of tunnel: Tunnel, at time: Timestamp) -> Event {
        Event(
            time: time, kind: Event.Kind.performanceRecord, severity: .info, tunnel: tunnel.name,
            detail: [
                "connections": .integer(Int64(tunnel.connections)),
                "bytesInPerSecond": .double(tunnel.bytesInPerSecond.toHundredths),
                "bytesOutPerSecond": .double(tunnel.bytesOutPerSecond.toHundredths),
                "rotations": .integer(Int64(clamping: tunnel.rotations.count)),
                "rotationP50Micros": .integer(Int64(clamping: tunnel.rotations.quantile(0.5))),
                "rotationP99Micros": .integer(Int64(clamping: tunnel.rotations.quantile(0.99))),
                "rotationMaximumMicros": .integer(Int64(clamping: tunnel.rotations.maximumMicroseconds)),
            ])
    }
}

extension Double {
    fileprivate var toHundredths: Double { (self * 100).rounded() / 100 }
}
