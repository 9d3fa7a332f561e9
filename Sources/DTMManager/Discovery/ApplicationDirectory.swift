import DTMCore
import DTMDiscovery
import NIOConcurrencyHelpers
import NIOPosix

/// What runs on this host, for whoever asks: looked at on threads of its own, because /proc takes its time.
protocol ApplicationFinding: Sendable {
    /// Every process that can be seen.
    func snapshot() async throws -> [ApplicationObservation]
    /// The user behind a target on this host; nil when that can't be told.
    func ownerUID(of target: Target) async -> UInt32?
}

/// The real thing.
final class ApplicationDirectory: ApplicationFinding {
    private let inventory: NIOLockedValueBox<ProcessInventory>
    private let lookup: ListenerLookup
    private let threads: NIOThreadPool

    init(anchor: ClockAnchor, threads: NIOThreadPool) {
        inventory = NIOLockedValueBox(ProcessInventory(anchor: anchor))
        lookup = ListenerLookup(anchor: anchor)
        self.threads = threads
    }

    func snapshot() async throws -> [ApplicationObservation] {
        try await threads.runIfActive { [inventory] in
            try inventory.withLockedValue { inventory in try inventory.snapshot() }
        }
    }

    func ownerUID(of target: Target) async -> UInt32? {
        try? await threads.runIfActive { [lookup] in lookup.ownerUID(of: target) } ?? nil
    }
}
