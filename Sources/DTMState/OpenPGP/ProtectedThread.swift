import CDTMLinux
import CSodium
import Glibc
import Synchronization

/// A thread for one operation that handles secrets carelessly: its stack is our own memory, locked as far as the limit allows, left out of
/// core dumps and overwritten afterwards; and what it frees is overwritten as well.
enum ProtectedThread {
    /// Several times what RNP was seen to use.
    static let stackBytes = 512 << 10

    /// Runs `body` on such a thread and waits for its end.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let outcome = Outcome<Value>()
        try withStack { stack in
            try start(on: stack) { outcome.value.withLock { $0 = Result(catching: body) } }
        }
        guard let result = outcome.value.withLock({ $0 }) else { throw OpenPGPError.memory("a thread") }
        return try result.get()
    }

    private final class Outcome<Value: Sendable>: Sendable {
        let value = Mutex<Result<Value, any Error>?>(nil)
    }

    private final class Start: Sendable {
        let body: @Sendable () -> Void

        init(body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Lends memory for a stack, above a page that nobody may touch, and wipes it.
    private static func withStack(_ body: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        let guardBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE
        guard let base = mmap(nil, guardBytes + stackBytes, PROT_NONE, flags, -1, 0), base != MAP_FAILED else {
            throw OpenPGPError.memory("a thread's stack")
        }
        defer { munmap(base, guardBytes + stackBytes) }
        let stack = base + guardBytes
        guard mprotect(stack, stackBytes, PROT_READ | PROT_WRITE) == 0 else {
            throw OpenPGPError.memory("a thread's stack")
        }
        // A refusal of one of these leaves us where an ordinary stack is.
        madvise(stack, stackBytes, Int32(MADV_DONTDUMP))
        _ = dtm_lock_when_touched(stack, stackBytes)
        defer { sodium_memzero(stack, stackBytes) }
        try body(UnsafeMutableRawBufferPointer(start: stack, count: stackBytes))
    }

    private static func start(
        on stack: UnsafeMutableRawBufferPointer, _ body: @escaping @Sendable () -> Void
    ) throws(OpenPGPError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        guard let base = stack.baseAddress, pthread_attr_setstack(&attributes, base, stack.count) == 0 else {
            throw .memory("a thread's stack")
        }
        let start = Unmanaged.passRetained(Start(body: body))
        var thread = pthread_t()
        // Signals are other threads': their handlers would run on this stack.
        var everySignal = sigset_t()
        var previous = sigset_t()
        sigfillset(&everySignal)
        pthread_sigmask(SIG_SETMASK, &everySignal, &previous)
        let failure = pthread_create(&thread, &attributes, enter, start.toOpaque())
        pthread_sigmask(SIG_SETMASK, &previous, nil)
        guard failure == 0 else {
            start.release()
            throw .memory("a thread")
        }
        pthread_join(thread, nil)
    }

    private static let enter: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { pointer in
        guard let pointer else { return nil }
        // Until the thread's end: what its own destructors free counts too.
        dtm_wipe_what_this_thread_frees(1)
        dtm_silence_diagnostics_of_this_thread(getenv("RNP_LOG_CONSOLE") == nil ? 1 : 0)
        Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue().body()
        return nil
    }
}
