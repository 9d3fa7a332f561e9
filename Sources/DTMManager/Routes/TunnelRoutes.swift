import DTMAPI
import DTMCore
import Hummingbird

/// `/v1/tunnels`: list, make, remove, rotate.
struct TunnelRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("tunnels") { _, context in
            let records = await parts.visibleTunnels(to: try context.caller)
            var reports: [TunnelReport] = []
            for record in records { reports.append(await parts.registry.report(record)) }
            return try APIResponse.json(TunnelList(tunnels: reports))
        }
        group.post("tunnels") { request, context in
            try parts.requireSteering(try context.caller)
            let wanted = try await APIRequest.body(ProtectRequest.self, of: request)
            return try APIResponse.json(try await parts.protection.protect(wanted), status: .created)
        }
        group.delete("tunnels/:name") { request, context in
            try await parts.requireOperator(request, try context.caller)
            return try APIResponse.json(try await parts.protection.unprotect(try context.parameters.require("name")))
        }
        addRotation(to: group)
    }

    private func addRotation(to group: RouterGroup<APIContext>) {
        group.post("tunnels/:name/rotate") { _, context in
            try parts.requireSteering(try context.caller)
            let record = try await parts.registry.record(named: try context.parameters.require("name"))
            return try APIResponse.json(await parts.protection.rotate([record]))
        }
        group.post("rotate") { _, context in
            try parts.requireSteering(try context.caller)
            return try APIResponse.json(await parts.protection.rotate(await parts.registry.records))
        }
    }
}
