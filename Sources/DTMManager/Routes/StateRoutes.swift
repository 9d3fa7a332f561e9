import DTMAPI
import DTMConfiguration
import DTMCore
import Hummingbird

/// `/v1/state`: how state is kept; `/v1/configuration/accept`.
struct StateRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("state") { _, context in
            try parts.requireSteering(try context.caller)
            return try APIResponse.json(await parts.stateReport())
        }
        group.post("state/backup") { _, context in
            try parts.requireSteering(try context.caller)
            guard let state = parts.state else { throw Self.ephemeral }
            let settings = await parts.configuration.current.configuration.backup
            return try APIResponse.json(BackupAnswer(file: try await state.backUpNow(settings)))
        }
        group.post("configuration/accept") { request, context in
            let caller = try context.caller
            try await parts.requireOperator(request, caller)
            guard let state = parts.state else { throw Self.ephemeral }
            let weakenings = await parts.acceptance.accept(
                await parts.configuration.current.configuration, in: state, by: caller.uid)
            return try APIResponse.json(AcceptanceAnswer(accepted: weakenings))
        }
    }

    private static let ephemeral = ManagerError(
        .requestInvalid, "this manager keeps no state: everything is forgotten at its end",
        hint: "stop it, then dtm state init")
}

extension ControlParts {
    /// How state is kept.
    func stateReport() async -> StateReport {
        guard let state else { return StateReport(mode: "ephemeral") }
        let known = await state.report
        return StateReport(
            mode: "sealed", generation: known.generation, savedAt: known.savedAt.rfc3339, failure: known.failure,
            backups: known.hasBackupKey, lastBackup: known.lastBackup?.rfc3339, weakenings: acceptance.weakenings)
    }
}

/// Saves before whoever changed something is answered: what was promised survives a power failure.
struct SavingMiddleware: RouterMiddleware {
    let state: StateKeeper

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        if request.method != .get, request.method != .head { try await state.save() }
        return response
    }
}
