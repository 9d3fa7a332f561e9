import DTMAPI
import DTMCore
import Hummingbird

/// `/v1/findings`: what was found. Who may not steer sees what is about the tunnels that he sees.
struct FindingRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("findings") { _, context in
            let caller = try context.caller
            let tunnels = parts.maySteer(caller) ? nil : Set(await parts.visibleTunnels(to: caller).map(\.name.text))
            return try APIResponse.json(await parts.findingScene().list(tunnels: tunnels))
        }
        group.post("findings/:id/dismiss") { _, context in
            let caller = try context.caller
            try parts.requireSteering(caller)
            let id = try context.parameters.require("id")
            let now = parts.recorder.clock.now()
            guard let finding = parts.findings.dismiss(id, at: now) else {
                throw ManagerError(
                    .findingUnknown, "there is no finding \(printable(id))",
                    hint: "dtm findings lists them; what was dismissed or is a day old is not there any more")
            }
            let threshold = await parts.findingThreshold
            var event = finding.event(Event.Kind.findingDismissed, at: now, threshold: threshold)
            event.severity = .notice
            event.detail["uid"] = .integer(Int64(caller.uid))
            parts.recorder.record(event)
            return try APIResponse.json(
                FindingReport(
                    finding, threshold: threshold, action: await parts.responses.actions(about: [finding])[finding.id]))
        }
    }
}
