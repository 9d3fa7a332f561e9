import DTMAPI
import DTMCore
import Hummingbird

/// `/v1/notifications`: who is told, how that goes, and a test. For who may steer.
struct NotificationRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("notifications") { _, context in
            try parts.requireSteering(try context.caller)
            return try APIResponse.json(NotificationList(receivers: parts.notifications.report))
        }
        group.post("notifications/test") { _, context in
            try parts.requireSteering(try context.caller)
            return try APIResponse.json(await parts.notifications.test(at: parts.recorder.clock.now()))
        }
    }
}
