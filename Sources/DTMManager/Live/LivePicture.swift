import DTMAPI
import DTMCore
import DTMDiscovery

/// All that consoles show, at one moment. Each part bears the number of the change that made it what it is, so that for
/// each caller it is plain what is news to him: whatever has a higher number than he knows of.
struct LivePicture: Sendable {
    /// One process.
    struct App: Sendable {
        var report: AppReport
        var gaps: Set<ApplicationObservation.Gap>
        var change: UInt64
    }
    /// One tunnel; who may see it is decided by its record.
    struct Tunnel: Sendable {
        var record: TunnelRecord
        var report: TunnelReport
        var change: UInt64
    }
    /// Something of which there is one.
    struct Single<Value: Hashable & Sendable>: Sendable {
        var value: Value
        var change: UInt64
    }

    var time: Timestamp
    /// The number of the latest change; 0 before the first.
    var change: UInt64 = 0
    /// By PID.
    var apps: [App] = []
    var scene = Single(value: HostScene(), change: 0)
    /// By name.
    var tunnels: [Tunnel] = []
    /// Nil before the first look at the manager.
    var status: Single<StatusReport>?
    var state: Single<StateReport>?
    var findings = Single(value: FindingScene(), change: 0)
    /// Nil before the first look at them.
    var responses: Single<ResponseList>?
}
