import CDTMLinux
import DTMCore
import Glibc

/// A program to be started once.
struct HookOrder: Sendable {
    var path: String
    /// What it reads.
    var input: [UInt8]
    /// How long it may run.
    var limit: Duration
}

/// How that went.
enum HookOutcome: Hashable, Sendable {
    case exited(Int32, output: String)
    case signalled(Int32)
    case timedOut
    /// The manager ends, or the configuration is another one.
    case cancelled
    case notStarted(String)
}

/// Starts programs. Whoever does it for control: itself, so far.
protocol HookStarting: Sendable {
    func run(_ order: HookOrder) async -> HookOutcome
}

/// One run of a program, from its start to its end: on a thread that may wait.
///
/// It gets the notification as a file on standard input; standard output and error are read to their end and kept in part; no other
/// descriptor, an environment of two variables, no arguments, the folder `/`, no signal blocked or ignored, a session and
/// a group of its own. When it ends, or its time is over, the whole group is killed.
struct HookProcess {
    private static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
    private static let keptOutput = 4_096
    /// Between SIGTERM and SIGKILL.
    private static let grace: Duration = .seconds(2)

    let order: HookOrder
    /// Readable when it is to end early.
    let cancellation: CInt

    func run() -> HookOutcome {
        let input = dtm_memory_file("notification")
        guard input >= 0 else { return failure("memfd_create", -input) }
        defer { close(input) }
        guard write(input, order.input, order.input.count) == order.input.count, lseek(input, 0, SEEK_SET) == 0 else {
            return failure("write", errno)
        }
        var ends: [CInt] = [-1, -1]
        let piped = dtm_pipe(&ends)
        guard piped == 0 else { return failure("pipe", -piped) }
        defer { close(ends[0]) }
        var pid: pid_t = 0
        let status = spawn(&pid, input: input, output: ends[1])
        close(ends[1])
        guard status == 0 else { return failure("posix_spawn", status) }
        return watch(pid, output: ends[0])
    }

    private func failure(_ call: String, _ code: CInt) -> HookOutcome {
        .notStarted("\(order.path) can't be started: \(call): \(String(cString: strerror(code)))")
    }

    private func spawn(_ pid: inout pid_t, input: CInt, output: CInt) -> CInt {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        for code in [
            dtm_spawn_closes_from(&actions, STDERR_FILENO + 1), dtm_spawn_starts_in(&actions, "/"),
            dtm_spawn_stands_alone(&attributes),
        ] where code < 0 { return -code }
        var words: [UnsafeMutablePointer<CChar>?] = [strdup(order.path), nil]
        var environment: [UnsafeMutablePointer<CChar>?] = Self.environment.map { strdup($0) } + [nil]
        defer { for pointer in words + environment { free(pointer) } }
        return posix_spawn(&pid, order.path, &actions, &attributes, &words, &environment)
    }

    /// What ends it, in this order.
    private enum Stage {
        case running, asked, killed
    }

    private func watch(_ pid: pid_t, output: CInt) -> HookOutcome {
        let handle = dtm_pidfd_open(pid)
        defer { if handle >= 0 { close(handle) } }
        var (stage, end) = (handle >= 0 ? Stage.running : .killed, HookOutcome?.none)
        if handle < 0 { kill(-pid, SIGKILL) }
        var text: [UInt8] = []
        var deadline = ContinuousClock.now + order.limit
        var (isOpen, isOver) = (true, handle < 0)
        while !isOver {
            var waits = [pollfd(fd: handle, events: Int16(POLLIN), revents: 0)]
            waits.append(pollfd(fd: isOpen ? output : -1, events: Int16(POLLIN), revents: 0))
            waits.append(pollfd(fd: end == .cancelled ? -1 : cancellation, events: Int16(POLLIN), revents: 0))
            _ = poll(&waits, 3, CInt(clamping: max(0, (deadline - .now).wholeMilliseconds + 1)))
            if waits[1].revents != 0 { isOpen = Self.take(from: output, to: &text) }
            isOver = waits[0].revents != 0
            let isCancelled = waits[2].revents != 0
            guard !isOver, isCancelled || .now >= deadline else { continue }
            // A group, not a process: what it has started ends with it.
            if stage == .running { end = isCancelled ? .cancelled : .timedOut }
            kill(-pid, stage == .running ? SIGTERM : SIGKILL)
            (stage, deadline) = (stage == .running ? .asked : .killed, .now + Self.grace)
        }
        // Before it is waited for: until then its number, and so its group's, is nobody else's.
        kill(-pid, SIGKILL)
        let outcome = Self.wait(for: pid, text)
        return end ?? outcome
    }

    /// - Returns: Whether there may be more.
    private static func take(from output: CInt, to text: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = read(output, &buffer, buffer.count)
        if count > 0 { text += buffer.prefix(min(count, max(0, keptOutput - text.count))) }
        return count > 0 || (count < 0 && errno == EINTR)
    }

    private static func wait(for pid: pid_t, _ text: [UInt8]) -> HookOutcome {
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0 { guard errno == EINTR else { return .signalled(0) } }
        if status & 0x7f != 0 { return .signalled(status & 0x7f) }
        return .exited((status >> 8) & 0xff, output: String(decoding: text, as: UTF8.self))
    }
}
