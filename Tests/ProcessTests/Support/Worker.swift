import Glibc
import Synchronization

/// Work on a thread of its own, whose result is waited for. What it does must have deadlines.
final class Worker<Value: Sendable>: Sendable {
    private let thread: pthread_t
    private let outcome: Outcome
    private let isJoined = Atomic(false)

    private final class Outcome: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
    }

    init(_ body: @escaping @Sendable () throws -> Value) {
        let outcome = Outcome()
        thread = startThread {
            let result = Result { try body() }
            outcome.result.withLock { $0 = result }
        }
        self.outcome = outcome
    }

    deinit {
        if !isJoined.load(ordering: .acquiring) { pthread_join(thread, nil) }
    }

    struct NeverEnded: Error {}

    /// Waits for its end.
    func value() throws -> Value {
        if !isJoined.exchange(true, ordering: .acquiringAndReleasing) { pthread_join(thread, nil) }
        guard let result = outcome.result.withLock({ $0 }) else { throw NeverEnded() }
        return try result.get()
    }
}

private final class ThreadStart {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

private func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { argument in
            if let argument { Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, Unmanaged.passRetained(ThreadStart(body)).toOpaque())
    return thread
}
