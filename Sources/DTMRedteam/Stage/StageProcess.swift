import CDTMLinux
import Glibc

/// A process of this same program that the stage started: its manager, its client, an attacker. Ended, and waited for, with
/// ``end()``; also with this object.
final class StageProcess {
    let pid: pid_t
    let name: String
    private var input: Int32
    private let output: Int32
    private var received: [UInt8] = []
    private(set) var isRunning = true

    /// More than any line of an attacker: a moment of 14 bytes for each probe that is timed.
    static let maximumLineBytes = 4 << 20

    /// - Throws: ``RedteamError`` of code `process`.
    init(_ name: String, arguments: [String], environment: [String]) throws(RedteamError) {
        self.name = name
        var (into, out): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        guard pipe(&into) == 0, pipe(&out) == 0 else {
            throw RedteamError(.process, "no pipe for \(name): \(String(cString: strerror(errno)))")
        }
        for descriptor in into + out { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(out[0], F_SETFL, O_NONBLOCK)
        (input, output) = (into[1], out[0])
        defer {
            close(into[0])
            close(out[1])
        }
        var started: pid_t = 0
        let failure = Self.spawn(&started, [into[0], out[1]], ["dtm"] + arguments, environment)
        pid = started
        // What was never started must not be ended: process 0 is to kill(2) everybody of this group.
        isRunning = failure == 0
        guard isRunning else {
            throw RedteamError(.process, "\(name) could not be started: \(String(cString: strerror(failure)))")
        }
    }

    deinit {
        end()
        close(output)
    }

    private static func spawn(
        _ pid: inout pid_t, _ ends: [Int32], _ arguments: [String], _ environment: [String]
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        _ = dtm_spawn_closes_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // A group of its own: Ctrl-C is for the one who knows in which order all of it ends.
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        return posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, &argv, &envp)
    }

    /// One line to its standard input.
    func tell(_ line: [UInt8]) {
        let whole = line + [UInt8(ascii: "\n")]
        _ = write(input, whole, whole.count)
    }

    /// What it has said since, a line at a time; nil when there is no whole line yet.
    func nextLine() -> [UInt8]? {
        fill()
        guard let end = received.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = Array(received[..<end])
        received.removeFirst(end + 1)
        return line
    }

    private func fill() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while received.count < Self.maximumLineBytes {
            let count = read(output, &buffer, buffer.count)
            if count <= 0 { return }
            received += buffer.prefix(count)
        }
    }

    /// Whether it has ended by itself.
    func hasEnded() -> Bool {
        guard isRunning else { return true }
        var status: Int32 = 0
        if waitpid(pid, &status, WNOHANG) == pid { isRunning = false }
        return !isRunning
    }

    /// Closes its standard input: an attacker ends by itself then.
    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// SIGTERM, once more after a tenth of a second (a manager then waits for nobody), and after five seconds SIGKILL. Returns when
    /// it is gone.
    func end() {
        closeInput()
        guard !hasEnded() else { return }
        kill(pid, SIGTERM)
        for turn in 0..<500 {
            if hasEnded() { return }
            if turn == 10 { kill(pid, SIGTERM) }
            usleep(10_000)
        }
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        isRunning = false
    }
}
