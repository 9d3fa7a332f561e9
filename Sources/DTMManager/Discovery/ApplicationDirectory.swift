import DTMCore
import DTMDiscovery
import NIOPosix
import Synchronization

/// What runs on this host, for whoever asks: looked at on threads of its own, because /proc takes its time.
protocol ApplicationFinding: Sendable {
    /// Every process that can be seen.
    func snapshot() async throws -> [ApplicationObservation]
    /// The user behind a target on this host; nil when that can't be told.
    func ownerUID(of target: Target) async -> UInt32?
}

/// The real thing.
final class ApplicationDirectory: ApplicationFinding {
    private let anchor: ClockAnchor
    /// Made at the first look, so that a process file system that is missing then shows as an error there.
    private let inventory = Mutex<LiveInventory?>(nil)
    private let lookup: ListenerLookup
    private let threads: NIOThreadPool

    init(anchor: ClockAnchor, threads: NIOThreadPool) {
        self.anchor = anchor
        lookup = ListenerLookup(anchor: anchor)
        self.threads = threads
    }

    func snapshot() async throws -> [ApplicationObservation] {
        try await threads.runIfActive { [self] in try look() }
    }

    func ownerUID(of target: Target) async -> UInt32? {
        try? await threads.runIfActive { [lookup] in lookup.ownerUID(of: target) } ?? nil
    }

    private func look() throws(DiscoveryError) -> [ApplicationObservation] {
        try inventory.withLock { inventory throws(DiscoveryError) in
            if inventory == nil { inventory = try LiveInventory(anchor: anchor) }
            _ = try inventory?.refresh()
            return inventory?.picture().processes ?? []
        }
    }
}
