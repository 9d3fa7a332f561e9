import DTMConfiguration
import DTMPolicy
import Synchronization

/// Whether auto-tunnel makes tunnels: what somebody said since the start, and otherwise the configuration.
final class AutoTunnelSwitch: Sendable {
    private let said: Mutex<Bool?>

    /// - Parameter isOn: What `dtm up --auto` says; nil leaves it to the configuration.
    init(isOn: Bool?) { said = Mutex(isOn) }

    func isOn(_ configuration: Configuration) -> Bool { said.withLock { $0 } ?? configuration.autoTunnel.enabled }

    /// Until the manager ends, whatever the configuration says. Tunnels that stand stay.
    func set(_ isOn: Bool) { said.withLock { $0 = isOn } }
}

extension AutoTunnelSettings {
    var limits: AutoTunnelLedger.Limits { .init(tunnels: maximumTunnels, perHolder: maximumPerApplication) }

    var policy: AutoTunnelPolicy {
        AutoTunnelPolicy(
            allow: allow, deny: deny, usesDefaultDeny: useDefaultDeny,
            grace: .milliseconds(Int64(graceSeconds * 1_000)))
    }
}
