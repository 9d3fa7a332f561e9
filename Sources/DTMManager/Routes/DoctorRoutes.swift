import Hummingbird

/// `GET /v1/doctor`: for who may steer, since it says what is weak.
struct DoctorRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("doctor") { _, context in
            try parts.requireSteering(try context.caller)
            return try APIResponse.json(await parts.doctor.report())
        }
    }
}
