import DTMConfiguration
import DTMCore
import DTMPlan
import DTMPolicy

/// What holds for all tunnels: the configuration, and the host's part of it.
struct TunnelDefaults: Hashable, Sendable {
    var configuration = Configuration.defaults
    var reservedPorts = ReservedPorts()
}

/// What holds for one tunnel, everything filled in.
struct TunnelSettings: Hashable, Sendable {
    var schedule: ScheduleParameters
    var overlapMilliseconds: UInt32
    var policy: AdmissionPolicy
    var proxyProtocol: Bool
    var limits: TunnelLimits
    /// How many decoys the policy wants.
    var decoys: UInt16

    init(_ draft: TunnelDraft, over defaults: TunnelDefaults) {
        let tunnel = defaults.configuration.effective(draft.configuration)
        schedule = ScheduleParameters(
            intervalMilliseconds: tunnel.intervalMilliseconds, lowestPort: tunnel.portRange.lowerBound,
            highestPort: tunnel.portRange.upperBound, skippedPorts: defaults.reservedPorts.within(tunnel.portRange),
            addressMode: tunnel.addresses)
        overlapMilliseconds = tunnel.overlapMilliseconds
        policy = draft.policy
        decoys = tunnel.decoys
        proxyProtocol = tunnel.proxyProtocol
        limits = TunnelLimits(
            maximumConnections: tunnel.maximumConnections,
            handshakeTimeoutMilliseconds: tunnel.handshakeTimeoutMilliseconds,
            connectTimeoutMilliseconds: tunnel.connectTimeoutMilliseconds,
            idleTimeoutMilliseconds: tunnel.idleTimeoutMilliseconds,
            maximumAgeMilliseconds: tunnel.maximumAgeMilliseconds)
    }
}

/// Seconds as milliseconds, clamped to what the plan can carry.
func milliseconds(_ seconds: Double) -> UInt32 {
    guard seconds > 0 else { return 0 }
    return UInt32(min((seconds * 1_000).rounded(), Double(UInt32.max)))
}
