import DTMAPI
import Hummingbird

/// `GET /v1/status`: anyone may ask.
struct StatusRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("status") { _, context in
            var report = await parts.status.report()
            if parts.maySteer(try context.caller) {
                let receivers = parts.notifications.report
                report.notifications = receivers
                report.models = await parts.models.reports()
                report.degraded += receivers.compactMap { receiver in
                    receiver.problem.map { "\(receiver.kind) \(receiver.name) can't be told: \($0)" }
                }
            }
            return try APIResponse.json(report)
        }
    }
}
