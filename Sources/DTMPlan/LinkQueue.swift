import DTMSecrets

/// How much may wait in a ``PlanLink`` for the other process to read.
public struct PlanQueueLimits: Sendable {
    /// Above either of these, what may be lost is dropped.
    public var droppableBytes = 2 << 20
    public var droppableFrames = 8_192
    /// Above either of these the link fails: the other side is stuck, and what waits must not be lost.
    public var bytes = 32 << 20
    public var frames = 65_536

    public init() {}
}

/// Frames back to back, and the secrets that go between them.
struct LinkBatch {
    /// A secret follows the byte before `offset`.
    struct Insertion {
        var offset: Int
        var secret: SharedSecret
    }

    var frames = FrameWriter()
    var secrets: [Insertion] = []
    var count = 0

    /// Empties it and keeps a small buffer.
    mutating func reset() {
        frames.removeAll()
        secrets.removeAll(keepingCapacity: true)
        count = 0
    }
}

/// What waits to be written, and whether more may come: a value; ``LinkCore`` does what it says.
struct LinkQueue {
    enum Phase {
        case open
        /// What waits is still written.
        case finishing
        /// The error that ended the link, when one did.
        case closed(PlanError?)
    }

    enum Enqueued { case wakeWriter, noAction, dropped }
    enum Next { case write, wait, end }

    private(set) var phase = Phase.open
    private(set) var dropped: UInt64 = 0
    /// Whether everything was written after ``finish()``.
    private(set) var isDrained = false
    private var limits: PlanQueueLimits
    private var pending = LinkBatch()
    private var bytesInFlight = 0
    private var framesInFlight = 0
    private var isWriterWaiting = false
    private var hasHello = false

    init(limits: PlanQueueLimits) { self.limits = limits }

    /// Queues a message, or drops it when it may be lost and too much waits.
    mutating func enqueue(_ message: some PlanMessage) throws(PlanError) -> Enqueued {
        guard case .open = phase else { throw .closed }
        guard message.isHello != hasHello else {
            throw .hello(hasHello ? "a second hello would be sent" : "a message would be sent before the hello")
        }
        if message.mayBeDropped, pending.count + framesInFlight >= limits.droppableFrames { return drop() }
        let start = pending.frames.count
        try message.append(to: &pending.frames)
        if message.mayBeDropped, pending.frames.count + bytesInFlight > limits.droppableBytes {
            pending.frames.truncate(to: start)
            return drop()
        }
        hasHello = true
        pending.count += 1
        if let secret = message.secret { pending.secrets.append(.init(offset: pending.frames.count, secret: secret)) }
        try checkHardLimits()
        defer { isWriterWaiting = false }
        return isWriterWaiting ? .wakeWriter : .noAction
    }

    private mutating func drop() -> Enqueued {
        dropped &+= 1
        return .dropped
    }

    private mutating func checkHardLimits() throws(PlanError) {
        let bytes = pending.frames.count + bytesInFlight
        let frames = pending.count + framesInFlight
        if bytes > limits.bytes || frames > limits.frames { throw .overflow(bytes: bytes, frames: frames) }
    }

    /// For the writer: moves all that waits into `batch`, which was written before.
    mutating func take(into batch: inout LinkBatch) -> Next {
        batch.reset()
        bytesInFlight = 0
        framesInFlight = 0
        if case .closed = phase { return .end }
        if pending.count > 0 {
            swap(&pending, &batch)
            bytesInFlight = batch.frames.count
            framesInFlight = batch.count
            return .write
        }
        if case .finishing = phase {
            isDrained = true
            return .end
        }
        isWriterWaiting = true
        return .wait
    }

    mutating func finish() {
        if case .open = phase { phase = .finishing }
    }

    /// Closes it; the first error stays.
    mutating func close(_ error: PlanError?) {
        if case .closed(.some) = phase { return }
        phase = .closed(error)
        pending = LinkBatch()
    }
}
