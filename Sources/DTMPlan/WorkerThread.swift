import CDTMLinux
import Glibc
import Synchronization

/// A thread of our own for blocking calls, with all signals blocked: signals are the main thread's.
///
/// Not a task and not a queue, because the data plane runs without either.
final class WorkerThread: Sendable {
    private let handle: pthread_t
    private let isJoined = Mutex(false)

    /// Starts the thread. `name` is cut to 15 bytes by the kernel.
    init(named name: String, _ body: @escaping @Sendable () -> Void) throws(PlanError) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var everySignal = sigset_t()
        var previous = sigset_t()
        sigfillset(&everySignal)
        pthread_sigmask(SIG_SETMASK, &everySignal, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        var handle = pthread_t()
        let failure = pthread_create(&handle, nil, WorkerThread.enter, start.toOpaque())
        guard failure == 0 else {
            start.release()
            throw .system("pthread_create", failure)
        }
        self.handle = handle
    }

    /// Waits for the thread's end; returns at once when called on the thread itself.
    func join() {
        guard pthread_equal(handle, pthread_self()) == 0 else { return }
        isJoined.withLock { isJoined in
            if !isJoined { pthread_join(handle, nil) }
            isJoined = true
        }
    }

    deinit {
        isJoined.withLock { isJoined in
            if !isJoined { pthread_detach(handle) }
        }
    }

    private static let enter: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { pointer in
        guard let pointer else { return nil }
        let start = Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()
        _ = dtm_prctl_set_name(start.name)
        start.body()
        return nil
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}
