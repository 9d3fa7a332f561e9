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
            let wanted = try await Self.wanted(request)
            if !wanted.enabled { try await parts.requireOperator(request, caller) }
            parts.autoTunnel.set(wanted.enabled)
            parts.recorder.record(
                Event.Kind.autoTunnelSwitched, .notice,
                ["enabled": .boolean(wanted.enabled), "uid": .integer(Int64(caller.uid))])
            return try APIResponse.json(AutoTunnelState(enabled: wanted.enabled))
        }
    }

    /// Where a passphrase is the body, `enabled` stands in the query.
    private static func wanted(_ request: Request) async throws -> AutoTunnelState {
        guard OperatorConfirmation.isGiven(with: request) else {
            return try await APIRequest.body(AutoTunnelState.self, of: request)
        }
        guard let enabled = request.uri.queryParameters["enabled"].flatMap({ Bool(String($0)) }) else {
            throw ManagerError(.requestInvalid, "enabled is missing in the query; allowed are true and false")
        }
        return AutoTunnelState(enabled: enabled)
    }
}
