import DTMSecrets
import Glibc
import Synchronization

/// What the threads of a link share: the socket, and the queue that the writer drains.
final class LinkCore: Sendable {
    let socket: OwnedDescriptor
    private let queue: Mutex<LinkQueue>
    private let wakeWriter: WakeSignal
    private let writerEnded: WakeSignal
    private let stopping = Atomic(false)

    init(adopting descriptor: consuming OwnedDescriptor, limits: PlanQueueLimits) throws(PlanError) {
        try descriptor.prepare(type: CInt(SOCK_STREAM.rawValue), named: "a Unix stream socket")
        wakeWriter = try WakeSignal()
        writerEnded = try WakeSignal()
        socket = descriptor
        queue = Mutex(LinkQueue(limits: limits))
    }

    var dropped: UInt64 { queue.withLock { $0.dropped } }

    /// Whether nothing that is read still matters.
    var isStopping: Bool { stopping.load(ordering: .acquiring) }

    /// The error that ended the link, if one did.
    var failure: PlanError? {
        queue.withLock { queue in
            if case .closed(let error) = queue.phase { error } else { nil }
        }
    }

    func send(_ message: some PlanMessage) throws(PlanError) {
        do {
            let outcome = try queue.withLock { queue throws(PlanError) in try queue.enqueue(message) }
            if case .wakeWriter = outcome { wakeWriter.wake() }
        } catch {
            if error.code == .overflow { stop(error) }
            throw error
        }
    }

    /// Ends the link in both directions, and wakes whoever reads, writes or waits. The first error stays.
    func stop(_ error: PlanError?) {
        // What goes wrong once the end is wanted is a consequence of it.
        let isFirst = !stopping.exchange(true, ordering: .acquiringAndReleasing)
        queue.withLock { $0.close(isFirst ? error : nil) }
        shutdown(socket.number, CInt(SHUT_RDWR))
        wakeWriter.wake()
    }

    /// Lets the writer write what waits, and then end; whether it did within the time.
    func finish(within limit: Duration) -> Bool {
        queue.withLock { $0.finish() }
        wakeWriter.wake()
        return writerEnded.isWoken(within: limit) && queue.withLock { $0.isDrained }
    }

    /// The writer's thread.
    func drain() {
        defer { writerEnded.wake() }
        var batch = LinkBatch()
        while true {
            switch queue.withLock({ $0.take(into: &batch) }) {
            case .wait: wakeWriter.wait()
            case .end: return endWriting()
            case .write:
                do {
                    try write(batch)
                } catch {
                    return failWriting(error)
                }
            }
        }
    }

    private func endWriting() { _ = shutdown(socket.number, CInt(SHUT_WR)) }

    private func failWriting(_ error: PlanError) {
        guard error.code == .closed else { return stop(error) }
        // The other side has gone. What it sent before is still there to be read, so the reader ends the link.
        queue.withLock { $0.close(nil) }
        endWriting()
    }

    private func write(_ batch: borrowing LinkBatch) throws(PlanError) {
        var start = 0
        for insertion in batch.secrets {
            try write(batch.frames, start..<insertion.offset)
            try insertion.secret.bytes.withBytes { span throws(PlanError) in
                try write(span)
            }
            start = insertion.offset
        }
        try write(batch.frames, start..<batch.frames.count)
    }

    private func write(_ frames: borrowing FrameWriter, _ range: Range<Int>) throws(PlanError) {
        try write(frames.bytes.span.bytes.extracting(range))
    }

    private func write(_ span: borrowing RawSpan) throws(PlanError) {
        var sent = 0
        while sent < span.byteCount {
            let count = span.withUnsafeBytes { bytes in
                Glibc.send(socket.number, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, CInt(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EPIPE || errno == ECONNRESET {
                throw .closed
            } else if errno != EINTR {
                throw .system("send", errno)
            }
        }
    }
}
