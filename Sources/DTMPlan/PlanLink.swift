import Synchronization

/// Control's end of the link to the data plane.
public typealias ControlEnd = PlanLink<ControlMessage, DataPlaneMessage>

/// The data plane's end of the link to control.
public typealias DataPlaneEnd = PlanLink<DataPlaneMessage, ControlMessage>

/// One end of a Unix stream socket between control and the data plane: blocking calls on threads of its own.
///
/// Its life: make it from a socket; ``send(_:)`` a hello; receive by ``run(receive:)`` on the calling thread or by
/// ``start(onMessage:onEnd:)`` on one of its own; ``close()`` it, or ``finish(within:)`` first so that what waits is
/// written. It ends by itself when the other process does, when a frame breaks the protocol, and when the other side
/// does not read and what waits exceeds ``PlanQueueLimits``. An ended link stays ended. Letting go of it closes it.
public final class PlanLink<Outgoing: PlanMessage, Incoming: PlanMessage>: Sendable {
    private let core: LinkCore
    private let writer: WorkerThread
    private let reader = Mutex<WorkerThread?>(nil)
    private let isReading = Atomic(false)

    /// Takes over the descriptor, sets CLOEXEC and blocking mode, and starts the thread that writes. The descriptor is
    /// closed when this throws.
    ///
    /// - Throws: ``PlanError``: `descriptor` when this is not a Unix stream socket, `system` when there are no
    ///   descriptors or threads left.
    public convenience init(adopting descriptor: CInt, limits: PlanQueueLimits = .init()) throws(PlanError) {
        try self.init(adopting: OwnedDescriptor(adopting: descriptor), limits: limits)
    }

    /// As ``init(adopting:limits:)-(CInt,_)``.
    public init(adopting descriptor: consuming OwnedDescriptor, limits: PlanQueueLimits = .init()) throws(PlanError) {
        let core = try LinkCore(adopting: descriptor, limits: limits)
        self.core = core
        writer = try WorkerThread(named: "plan-write") { core.drain() }
    }

    deinit { close() }

    var descriptor: CInt { core.socket.number }

    /// How many messages were dropped because the other side did not keep up.
    public var dropped: UInt64 { core.dropped }

    /// Queues one message and returns at once. A flow, counters or an incident is dropped and counted when too much
    /// waits already.
    ///
    /// - Throws: ``PlanError``: `closed` after the end; `size`, `value` or `text` for a message that breaks a bound,
    ///   which is then not sent and the link goes on; `hello` before the hello or for a second one; `overflow` when the
    ///   link failed just now.
    public func send(_ message: Outgoing) throws(PlanError) { try core.send(message) }

    /// Reads on the calling thread until the other side ends or the link is closed.
    ///
    /// - Throws: ``PlanError`` that ended the link. None when the other process ended between two frames.
    public func run(receive: (Incoming) -> Void) throws(PlanError) {
        try claimReading()
        try Self.read(from: core, receive)
    }

    /// Reads on a thread of its own. `onEnd` is called once, last, with the error that ended the link, if one did.
    ///
    /// - Throws: ``PlanError``: `system` when there are no threads left, `misuse` when somebody reads already.
    public func start(
        onMessage: @escaping @Sendable (Incoming) -> Void, onEnd: @escaping @Sendable (PlanError?) -> Void
    ) throws(PlanError) {
        try claimReading()
        let core = core
        try reader.withLock { reader throws(PlanError) in
            reader = try WorkerThread(named: "plan-read") {
                do throws(PlanError) {
                    try Self.read(from: core, onMessage)
                    onEnd(nil)
                } catch {
                    onEnd(error)
                }
            }
        }
    }

    /// Stops taking messages, waits until what was sent is written, at most for the time, and closes. Whether all was
    /// written.
    @discardableResult
    public func finish(within limit: Duration) -> Bool {
        let isComplete = core.finish(within: limit)
        close()
        return isComplete
    }

    /// Ends the link now: wakes its threads and waits for their end, except for the one that it is called on.
    /// ``run(receive:)`` returns soon after. The descriptor is closed with the last reference to the link. May be
    /// called again.
    public func close() {
        core.stop(nil)
        writer.join()
        let thread = reader.withLock { $0 }
        thread?.join()
    }

    private func claimReading() throws(PlanError) {
        if isReading.exchange(true, ordering: .acquiringAndReleasing) {
            throw .misuse("the link is being read already")
        }
    }

    private static func read(from core: LinkCore, _ receive: (Incoming) -> Void) throws(PlanError) {
        do throws(PlanError) {
            var stream = FrameStream<Incoming>(of: core)
            while let message = try stream.next() { receive(message) }
            core.stop(nil)
        } catch {
            core.stop(error)
        }
        if let failure = core.failure { throw failure }
    }
}
