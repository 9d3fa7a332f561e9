import Glibc
import Synchronization

/// What must not outlive the benchmark: its child processes and its directory.
///
/// Life: made first, before any other thread; `watch` starts the thread that ends everything on SIGINT, SIGTERM or
/// after the time limit; `cleanUp` runs on the ordinary way out.
final class CleanupRegistry: Sendable {
    private let roots = Mutex<[pid_t]>([])
    let directory: String

    /// Makes the directory, with mode 0700, and blocks SIGINT and SIGTERM for all threads to come.
    init() throws(BenchmarkError) {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        guard let path = strdup("\(parent)/dtm-bench-XXXXXX") else { throw BenchmarkError("no memory left") }
        defer { free(path) }
        guard mkdtemp(path) != nil else {
            throw BenchmarkError("can't make a directory in \(parent): \(systemError())")
        }
        directory = String(cString: path)
        var signals = Self.watchedSignals()
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    func add(_ pid: pid_t) { roots.withLock { $0.append(pid) } }

    func remove(_ pid: pid_t) { roots.withLock { $0.removeAll { $0 == pid } } }

    func cleanUp() {
        for pid in ProcessTree.members(of: roots.withLock { $0 }) { kill(pid, SIGKILL) }
        Self.removeTree(directory)
    }

    /// Starts the watching thread.
    func watch(limitSeconds: Int) throws(BenchmarkError) {
        let context = Unmanaged.passRetained(WatchContext(registry: self, limitSeconds: limitSeconds))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<WatchContext>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw BenchmarkError("can't start a thread: \(String(cString: strerror(code)))")
        }
        pthread_detach(thread)
    }

    fileprivate static func watchedSignals() -> sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
        return signals
    }

    private static func removeTree(_ path: String) {
        for name in ProcFile.entries(of: path) where name != "." && name != ".." { removeTree("\(path)/\(name)") }
        // The path of a link is removed, never what it points to: only directories are read.
        Glibc.remove(path)
    }
}

private final class WatchContext {
    private let registry: CleanupRegistry
    private let limitSeconds: Int

    init(registry: CleanupRegistry, limitSeconds: Int) {
        self.registry = registry
        self.limitSeconds = limitSeconds
    }

    func run() {
        let signal = awaitSignal()
        let reason = signal > 0 ? "stopped by signal \(signal)" : "not done within \(limitSeconds) s"
        complain(reason)
        registry.cleanUp()
        _exit(signal > 0 ? 128 + signal : 1)
    }

    /// The signal that came, or 0 when the time is up.
    private func awaitSignal() -> Int32 {
        var signals = CleanupRegistry.watchedSignals()
        let clock = Stopwatch()
        while clock.seconds < Double(limitSeconds) {
            // sigtimedwait ends early for signals that are not waited for, as a child's end.
            var slice = timespec(tv_sec: 1, tv_nsec: 0)
            let signal = sigtimedwait(&signals, nil, &slice)
            if signal > 0 { return signal }
        }
        return 0
    }
}
