import DTMCore
import DTMPlan
import DTMTelemetry

/// Makes the performance record of a minute from what tunnels have counted. A pure value.
struct PerformanceWindow: Sendable {
    private var counted: [TunnelID: TunnelCounters] = [:]
    private var since: Timestamp

    init(since: Timestamp) { self.since = since }

    /// What the tunnels did since the last record.
    mutating func record(_ records: [TunnelRecord], usage: UsageFigures, at now: Timestamp) -> PerformanceRecord {
        let seconds = max((now - since).inSeconds, 0.001)
        let tunnels = records.map { record in
            let counters = record.observed.counters
            let before = counted[record.id] ?? TunnelCounters()
            return PerformanceRecord.Tunnel(
                name: record.name.text,
                bytesInPerSecond: Double(counters.bytesIn &- min(before.bytesIn, counters.bytesIn)) / seconds,
                bytesOutPerSecond: Double(counters.bytesOut &- min(before.bytesOut, counters.bytesOut)) / seconds,
                connections: counters.active, rotations: record.observed.timings)
        }
        counted = records.reduce(into: [:]) { $0[$1.id] = $1.observed.counters }
        since = now
        return PerformanceRecord(
            cpuPercent: usage.cpuPercent, residentBytes: usage.residentBytes, lockedBytes: usage.lockedBytes,
            tunnels: tunnels)
    }
}
