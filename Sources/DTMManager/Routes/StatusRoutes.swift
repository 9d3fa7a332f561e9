import Hummingbird

/// `GET /v1/status`: anyone may ask.
struct StatusRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("status") { _, _ in try APIResponse.json(await parts.status.report()) }
    }
}
