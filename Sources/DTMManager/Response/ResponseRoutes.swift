import DTMAPI
import DTMCore
import DTMResponse
import Hummingbird

/// `/v1/responses`: what is in force, what waits, what is over; approve, dismiss, undo, stop, resume. For who may steer.
struct ResponseRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        let desk = parts.responses
        group.get("responses") { _, context in
            try parts.requireSteering(try context.caller)
            return try APIResponse.json(await desk.list)
        }
        group.post("responses/stop") { request, context in
            let caller = try context.caller
            try await parts.requireOperator(request, caller)
            await desk.stop(by: caller.uid)
            return try APIResponse.json(await desk.list)
        }
        group.post("responses/resume") { _, context in
            let caller = try context.caller
            try parts.requireSteering(caller)
            await desk.resume(by: caller.uid)
            return try APIResponse.json(await desk.list)
        }
        addDecisions(to: group, desk)
    }

    private func addDecisions(to group: RouterGroup<APIContext>, _ desk: ResponseDesk) {
        group.post("responses/:id/approve") { request, context in
            let caller = try context.caller
            try parts.requireSteering(caller)
            let id = try id(context)
            // What can't be taken back is the operator's own decision.
            if await desk.needsOperator(id) { try await parts.requireOperator(request, caller) }
            return try APIResponse.json(await desk.approve(id, by: caller.uid))
        }
        group.post("responses/:id/dismiss") { _, context in
            let caller = try context.caller
            try parts.requireSteering(caller)
            return try APIResponse.json(await desk.dismiss(try id(context), by: caller.uid))
        }
        group.post("responses/:id/undo") { request, context in
            let caller = try context.caller
            try await parts.requireOperator(request, caller)
            return try APIResponse.json(await desk.undo(try id(context), by: caller.uid))
        }
    }

    private func id(_ context: APIContext) throws -> DTMResponse.Response.ID {
        let text = try context.parameters.require("id")
        guard let id = DTMResponse.Response.ID(text) else {
            throw ManagerError(
                .responseUnknown, "\(printable(text)) is no response; they are called r1, r2, …",
                hint: "dtm respond list shows those there are")
        }
        return id
    }
}
