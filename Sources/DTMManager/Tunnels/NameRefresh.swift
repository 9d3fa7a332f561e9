import DTMCore
import DTMPlan

/// Keeps true what is known of targets: the addresses of their names, and whose they are.
struct NameRefresh: Sendable {
    let registry: TunnelRegistry
    let resolver: TargetResolver
    let applications: any ApplicationFinding

    /// Looks once; call it at the start, after a reload, and every half minute.
    func run() async {
        for record in await registry.records {
            if record.draft.target.hasName {
                await registry.resolved(record.id, await destination(of: record.draft.target))
            }
        }
        let ownerless = await registry.records.filter { $0.draft.ownerUID == nil }
        guard !ownerless.isEmpty else { return }
        for (record, uid) in zip(ownerless, await applications.ownerUIDs(of: ownerless.map(\.draft.target))) {
            if let uid { await registry.ownerFound(record.id, uid: uid, application: nil) }
        }
    }

    private func destination(of target: Target) async -> Result<TargetPlan, ManagerError> {
        do throws(ManagerError) {
            return .success(try await resolver.destination(of: target))
        } catch {
            return .failure(error)
        }
    }
}
