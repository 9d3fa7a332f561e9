import DTMAPI
import DTMCore
import Hummingbird

/// `/v1/analysis`: on or off until the manager ends, for who may steer; what models would be told now, for him
/// too; and what the analyst knows of one subject, for who sees it. Hard rules work all the time: see ``FindingRoutes``.
struct AnalysisRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.post("analysis") { request, context in
            let caller = try context.caller
            try parts.requireSteering(caller)
            let wanted = try await APIRequest.body(AnalysisState.self, of: request)
            parts.analysis.set(wanted.enabled)
            parts.recorder.record(
                Event.Kind.analysisSwitched, .notice,
                ["enabled": .boolean(wanted.enabled), "uid": .integer(Int64(caller.uid))])
            return try APIResponse.json(AnalysisState(enabled: wanted.enabled, available: true))
        }
        group.get("analysis/prompt") { _, context in
            try parts.requireSteering(try context.caller)
            return try APIResponse.json(await parts.modelPrompt())
        }
        group.get("analysis/:name") { _, context in
            let caller = try context.caller
            let report = try await AnalysisReporting(parts: parts).report(
                try context.parameters.require("name"), tunnels: await parts.visibleTunnels(to: caller),
                seesAll: parts.maySteer(caller))
            return try APIResponse.json(report)
        }
    }
}
