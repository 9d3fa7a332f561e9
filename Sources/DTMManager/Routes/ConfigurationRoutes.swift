import DTMAPI
import DTMConfiguration
import Hummingbird

/// `/v1/configuration`: show, reload; for who may steer.
struct ConfigurationRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("configuration") { _, context in
            try parts.requireSteering(try context.caller)
            let loaded = await parts.configuration.current
            return APIResponse.text(loaded.configuration.renderJSON(masked: true), type: "application/json")
        }
        group.post("configuration/reload") { _, context in
            try parts.requireSteering(try context.caller)
            let answer = try await parts.configuration.reload()
            await parts.refresh.run()
            return try APIResponse.json(answer)
        }
    }
}
