import DTMCore
import DTMDiscovery
import DTMPolicy
import NIOPosix
import Synchronization

/// The live inventory of the host, for all of control: looked at on threads of its own, because /proc takes its time.
final class HostInventory: ApplicationFinding {
    /// What only one thread at a time may use.
    struct Held: ~Copyable {
        var inventory: LiveInventory
        /// What looks in between found, for the next tick to tell.
        var backlog: [InventoryEvent] = []
        var hasher: ExecutableHasher
    }

    private static let maximumBacklog = 4_096
    let held: Mutex<Held>
    private let threads: NIOThreadPool
    let accounts: any AccountDirectory

    /// - Throws: `DiscoveryError` when /proc can't be read at all.
    init(
        anchor: ClockAnchor, threads: NIOThreadPool, accounts: any AccountDirectory, interval: Duration
    ) throws(DiscoveryError) {
        var limits = InventoryLimits()
        limits.interval = Int64(interval.inSeconds * 1_000_000_000)
        held = Mutex(Held(inventory: try LiveInventory(anchor: anchor, limits: limits), hasher: try ExecutableHasher()))
        self.threads = threads
        self.accounts = accounts
    }

    /// Looks at what may have changed.
    ///
    /// - Returns: What has, since the last call.
    func tick() async throws -> [InventoryEvent] {
        try await onThread { held throws(DiscoveryError) in
            let events = held.backlog + (try held.inventory.tick())
            held.backlog = []
            return events
        }
    }

    /// What is known, without another look.
    func picture() async throws -> InventoryPicture {
        try await onThread { held throws(DiscoveryError) in held.inventory.picture() }
    }

    /// Everything, looked at anew, with byte counts and command lines.
    func details() async throws -> InventoryPicture {
        try await onThread { held throws(DiscoveryError) in
            let events = try held.inventory.refresh(withCounters: true)
            held.backlog += events.prefix(Self.maximumBacklog - min(Self.maximumBacklog, held.backlog.count))
            return held.inventory.picture(withArguments: true)
        }
    }

    func view() async throws -> ApplicationView {
        let picture = try await details()
        return ApplicationView(
            processes: picture.processes, isWhole: !picture.isTruncated && picture.losses.isEmpty)
    }

    func ownerUIDs(of targets: [Target]) async -> [UInt32?] {
        let owners = try? await onThread { held throws(DiscoveryError) in held.inventory.ownerUIDs(of: targets) }
        return owners ?? targets.map { _ in nil }
    }

    func onThread<Value: Sendable>(
        _ body: @escaping @Sendable (inout Held) throws(DiscoveryError) -> Value
    ) async throws -> Value {
        try await threads.runIfActive { [self] in
            try held.withLock { held throws(DiscoveryError) in try body(&held) }
        }
    }
}
