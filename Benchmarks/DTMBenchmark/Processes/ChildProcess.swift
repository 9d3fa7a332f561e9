import Glibc

/// A program started by the benchmark, in a process group of its own, with standard output on a pipe.
///
/// Life: `start` → `readLine` as needed → `stop`. The ``CleanupRegistry`` stops it when the benchmark ends early.
struct ChildProcess {
    let pid: pid_t
    let name: String
    private let output: Int32

    /// Starts `arguments[0]`, looked up in PATH, with `environment` added to the benchmark's own.
    /// Throws when it can't be started; that it fails afterwards shows when it does not answer.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], errorsTo log: String
    ) throws(BenchmarkError) -> ChildProcess {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw BenchmarkError("pipe failed: \(systemError())") }
        // NIO's sockets are not close-on-exec: an inherited one would keep a connection open.
        ProcFile.closeDescriptorsOnExec()
        defer { close(ends[1]) }
        do {
            let pid = try spawn(arguments, environment: environment, output: ends[1], log: log)
            return ChildProcess(pid: pid, name: arguments[0], output: ends[0])
        } catch {
            close(ends[0])
            throw error
        }
    }

    /// The next line of standard output without its end, or nil at its end. Throws when none comes in time.
    func readLine(withinMilliseconds limit: Int32) throws(BenchmarkError) -> String? {
        let deadline = Stopwatch()
        var line: [UInt8] = []
        while true {
            let left = limit - Int32(min(deadline.milliseconds, Double(limit)))
            var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&entry, 1, left) > 0 else {
                throw BenchmarkError("\(name) printed no line within \(limit) ms")
            }
            var byte: UInt8 = 0
            guard read(output, &byte, 1) == 1 else { return line.isEmpty ? nil : String(decoding: line, as: UTF8.self) }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
    }

    /// The whole of standard output and the exit status. Throws when the program does not end in time, and kills it
    /// then.
    func finish(withinMilliseconds limit: Int32) throws(BenchmarkError) -> (output: String, status: Int32) {
        let clock = Stopwatch()
        var lines: [String] = []
        do {
            while let line = try readLine(withinMilliseconds: max(1, limit - Int32(clock.milliseconds))) {
                lines.append(line)
            }
        } catch {
            stop()
            throw error
        }
        close(output)
        return (lines.joined(separator: "\n"), reap(withinMilliseconds: 5_000))
    }

    /// Asks it to end, and kills what is left of its tree after `grace` milliseconds.
    func stop(grace: Double = 5_000) {
        let tree = ProcessTree.members(of: [pid])
        kill(pid, SIGTERM)
        _ = reap(withinMilliseconds: grace)
        for member in tree where member != pid { kill(member, SIGKILL) }
        close(output)
    }

    /// Waits for the end, then kills; returns the exit status, or 128 + signal.
    private func reap(withinMilliseconds grace: Double) -> Int32 {
        let clock = Stopwatch()
        var status: Int32 = 0
        while waitpid(pid, &status, WNOHANG) == 0 {
            if clock.milliseconds > grace {
                kill(pid, SIGKILL)
                waitpid(pid, &status, 0)
                break
            }
            usleep(2_000)
        }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    private static func spawn(
        _ arguments: [String], environment: [String: String], output: Int32, log: String
    ) throws(BenchmarkError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        resetSignals(&attributes)

        let arguments = arguments.map { strdup($0) } + [nil]
        let environment = inherited(adding: environment).map { strdup($0) } + [nil]
        defer { for pointer in arguments + environment { free(pointer) } }
        var pid: pid_t = 0
        guard let program = arguments[0] else { throw BenchmarkError("no memory left") }
        let code = posix_spawnp(&pid, program, &actions, &attributes, arguments, environment)
        guard code == 0 else {
            throw BenchmarkError("can't start \(String(cString: program)): \(String(cString: strerror(code)))")
        }
        return pid
    }

    /// The benchmark blocks SIGINT and SIGTERM and NIO ignores SIGPIPE: neither is for the children.
    static func resetSignals(_ attributes: inout posix_spawnattr_t, group: pid_t = 0) {
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, group)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    }

    /// The benchmark's environment with `more` in place of what is called so.
    static func inherited(adding more: [String: String]) -> [String] {
        var result: [String] = []
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let name = text.split(separator: "=", maxSplits: 1).first, more[String(name)] == nil {
                result.append(text)
            }
            next += 1
        }
        return result + more.map { "\($0.key)=\($0.value)" }
    }
}

/// One line on standard error.
func complain(_ text: String) {
    let line = Array("dtm-bench: \(text)\n".utf8)
    write(2, line, line.count)
}

/// The text of `errno`.
func systemError() -> String { String(cString: strerror(errno)) }

/// Milliseconds since it was made, of the monotonic clock.
struct Stopwatch {
    private let start = ContinuousClock.now

    var milliseconds: Double { (ContinuousClock.now - start) / .milliseconds(1) }
    var seconds: Double { milliseconds / 1_000 }
}
