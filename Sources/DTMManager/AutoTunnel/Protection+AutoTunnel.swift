import DTMConfiguration
import DTMCore
import DTMPolicy

extension Protection {
    /// Makes a tunnel to a port of this host under its stable name. When anything fails, there is none afterwards.
    func protectAutomatically(
        _ target: Target, port: UInt16, holder: PortHolder
    ) async throws(ManagerError) -> TunnelRecord {
        let taken = Set(await registry.names.values)
        let names = StableName.candidates(application: holder.application, port: port)
        guard let name = names.first(where: { !taken.contains($0) }) else {
            throw ManagerError(.tunnelNameTaken, "every name for \(holder.application) at port \(port) is taken")
        }
        let draft = TunnelDraft(
            configuration: TunnelConfiguration(name: name, target: target), origin: .auto, ownerUID: holder.uid,
            application: holder.application)
        return try await establish(draft)
    }

    /// Adds a tunnel whose target answers, and waits until its first endpoint accepts.
    func establish(_ draft: TunnelDraft) async throws(ManagerError) -> TunnelRecord {
        // Before the target is touched: what is refused anyway should not be probed.
        try await registry.check(draft)
        let destination = try await reach(draft.target)
        try await registry.checkFree(destination)
        let id = try await registry.add(draft, destination: destination)
        do {
            return try await firstEndpoint(id, draft.name)
        } catch {
            await remove(id)
            throw error
        }
    }
}
