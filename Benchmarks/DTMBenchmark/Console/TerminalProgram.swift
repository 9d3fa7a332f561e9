import Glibc

/// A program at a terminal of its own, whose other end the benchmark holds: it presses keys and reads what is drawn.
///
/// Life: `start` → `press`, `read` → `stop`. What it says must be read, or it waits for that.
struct TerminalProgram {
    static let rows = 40
    static let columns = 120

    let pid: pid_t
    let name: String
    private let terminal: Int32

    /// Starts `arguments[0]` at a terminal that understands what xterm does. Throws when that can't be had.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], in workshop: Workshop
    ) throws(BenchmarkError) -> TerminalProgram {
        let (terminal, path) = try openTerminal()
        ProcFile.closeDescriptorsOnExec()
        do {
            let surroundings = ["TERM": "xterm-256color", "LC_ALL": "C.UTF-8"].merging(environment) { $1 }
            let pid = try spawn(arguments, surroundings, at: path)
            workshop.registry.add(pid)
            return TerminalProgram(pid: pid, name: arguments[0], terminal: terminal)
        } catch {
            close(terminal)
            throw error
        }
    }

    /// CPU milliseconds so far. Throws when it has ended.
    func cpuMilliseconds() throws(BenchmarkError) -> Double {
        guard let time = ProcessorTime.process(pid) else { throw BenchmarkError("\(name) has ended") }
        return time
    }

    // MARK: Keys and screens

    func press(_ keys: String) throws(BenchmarkError) {
        let bytes = Array(keys.utf8)
        guard write(terminal, bytes, bytes.count) == bytes.count else {
            throw BenchmarkError("\(name) takes no keys: \(systemError())")
        }
    }

    /// Presses a key and waits for the first of what it changes on the screen.
    func milliseconds(toAnswer key: String) throws(BenchmarkError) -> Double {
        let clock = Stopwatch()
        try press(key)
        guard waitForOutput(milliseconds: 5_000) else {
            throw BenchmarkError("\(name) did not answer a key within 5 s")
        }
        return clock.milliseconds
    }

    /// What it says until it is silent for so long.
    @discardableResult
    func read(untilSilentFor milliseconds: Int32) throws(BenchmarkError) -> [UInt8] {
        var all: [UInt8] = []
        while waitForOutput(milliseconds: milliseconds) { all += try readOnce() }
        return all
    }

    /// What it says in that time.
    @discardableResult
    func read(forMilliseconds time: Double) throws(BenchmarkError) -> [UInt8] {
        let clock = Stopwatch()
        var all: [UInt8] = []
        while clock.milliseconds < time {
            if waitForOutput(milliseconds: Int32(max(0, time - clock.milliseconds)) + 1) { all += try readOnce() }
        }
        return all
    }

    private func waitForOutput(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    private func readOnce() throws(BenchmarkError) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 16_384)
        let count = Glibc.read(terminal, &chunk, chunk.count)
        // EIO: nobody has the other end any more (pty(7)).
        guard count > 0 else { throw BenchmarkError("\(name) has left its terminal") }
        return Array(chunk[..<count])
    }

    func stop(in workshop: Workshop) {
        kill(pid, SIGTERM)
        let clock = Stopwatch()
        while waitpid(pid, nil, WNOHANG) == 0 {
            // What it still says on leaving.
            if waitForOutput(milliseconds: 20) { _ = try? readOnce() }
            guard clock.seconds < 5 else {
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
                break
            }
        }
        close(terminal)
        workshop.registry.remove(pid)
    }

    // MARK: Starting

    /// As `grantpt(3)`, `unlockpt(3)` and `ptsname(3)` do, which Glibc's module lacks: `pts(4)`, `ioctl_tty(2)`.
    private static func openTerminal() throws(BenchmarkError) -> (descriptor: Int32, path: String) {
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var unlocked: Int32 = 0
        var number: UInt32 = 0
        guard terminal >= 0, ioctl(terminal, setLock, &unlocked) == 0, ioctl(terminal, getNumber, &number) == 0
        else { throw BenchmarkError("there is no pseudo-terminal: \(systemError())") }
        var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(terminal, UInt(TIOCSWINSZ), &size)
        return (terminal, "/dev/pts/\(number)")
    }

    /// TIOCSPTLCK and TIOCGPTN: macros that Swift does not import.
    private static let setLock: UInt = 0x4004_5431
    private static let getNumber: UInt = 0x8004_5430

    /// In a session of its own, of which the first terminal that it opens becomes the controlling one.
    private static func spawn(
        _ arguments: [String], _ environment: [String: String], at path: String
    ) throws(BenchmarkError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        ChildProcess.resetSignals(&attributes)
        let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID
        posix_spawnattr_setflags(
            &attributes, Int16(newSession | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)))
        let words = arguments.map { strdup($0) } + [nil]
        let variables = ChildProcess.inherited(adding: environment).map { strdup($0) } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, arguments[0], &actions, &attributes, words, variables)
        guard code == 0 else {
            throw BenchmarkError("can't start \(arguments[0]): \(String(cString: strerror(code)))")
        }
        return pid
    }
}
