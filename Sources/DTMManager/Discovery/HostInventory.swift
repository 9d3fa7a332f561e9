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
        /// The latest look at everything; nil once it is old.
        var shared: SharedLook?
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
            if let shared = held.shared, shared.remainder(at: .now) == .zero { held.shared = nil }
            return events
        }
    }

    /// What is known, without another look.
    func picture() async throws -> InventoryPicture {
        try await onThread { held throws(DiscoveryError) in held.inventory.picture() }
    }

    func view() async throws -> ApplicationView {
        try await onThread { held throws(DiscoveryError) in try Self.look(&held) }
    }

    func sharedView() async throws -> ApplicationView {
        let asked = ContinuousClock.now
        while true {
            let turn = try await onThread { held throws(DiscoveryError) in try Self.turn(&held, asked) }
            switch turn {
            case .answered(let view): return view
            case .wait(let duration): try await Task.sleep(for: duration)
            }
        }
    }

    func liveView() async throws -> LiveLook {
        try await onThread { held throws(DiscoveryError) in
            let meter = ProcessorMeter()
            Self.keep(try held.inventory.survey(), in: &held)
            let view = ApplicationView(held.inventory.picture(withArguments: true))
            return LiveLook(view: view, cost: meter.used)
        }
    }

    private enum Turn {
        case answered(ApplicationView)
        case wait(Duration)
    }

    private static func turn(_ held: inout Held, _ asked: ContinuousClock.Instant) throws(DiscoveryError) -> Turn {
        let begun = ContinuousClock.now
        if let shared = held.shared {
            if shared.answers(asked: asked) { return .answered(shared.view) }
            let remainder = shared.remainder(at: begun)
            if remainder > .zero { return .wait(remainder) }
        }
        let view = try look(&held)
        held.shared = SharedLook(view: view, begun: begun)
        return .answered(view)
    }

    /// Everything, with byte counts and command lines.
    private static func look(_ held: inout Held) throws(DiscoveryError) -> ApplicationView {
        keep(try held.inventory.refresh(withCounters: true), in: &held)
        return ApplicationView(held.inventory.picture(withArguments: true))
    }

    private static func keep(_ events: [InventoryEvent], in held: inout Held) {
        held.backlog += events.prefix(maximumBacklog - min(maximumBacklog, held.backlog.count))
    }

    /// Looks at the files of processes, on a thread of its own.
    func looking(at looks: [ApplicationProgramWatch.Look]) async throws -> [ApplicationProgramWatch.Look] {
        try await threads.runIfActive {
            looks.map { look in
                var look = look
                look.running = ProgramFile(path: "/proc/\(look.process.pid)/exe")
                look.onDisk = ProgramFile(path: look.path)
                return look
            }
        }
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
