import DTMAPI
import DTMCore
import Hummingbird

/// `/v1/auto-tunnel`: on or off until the manager ends; for who may steer.
struct AutoTunnelRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.post("auto-tunnel") { request, context in
            let caller = try context.caller
            try parts.requireSteering(caller)
            let wanted = try await APIRequest.body(AutoTunnelState.self, of: request)
            parts.autoTunnel.set(wanted.enabled)
            parts.recorder.record(
                Event.Kind.autoTunnelSwitched, .notice,
                ["enabled": .boolean(wanted.enabled), "uid": .integer(Int64(caller.uid))])
            return try APIResponse.json(AutoTunnelState(enabled: wanted.enabled))
        }
    }
}
