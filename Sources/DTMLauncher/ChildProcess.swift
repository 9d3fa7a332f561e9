import CDTMLinux
import DTMPlan
import Glibc

/// One of the two processes that the launcher keeps running; the console, which it starts once, is none of them.
enum ChildRole: String, CaseIterable {
    case control
    case dataPlane = "dataplane"
}

/// A process that the launcher started, with the channel to it.
final class ChildProcess {
    let role: ChildRole
    let pid: pid_t
    let channel: ProcessChannel
    let startedAt = ContinuousClock.now

    /// As which number a child gets the retained descriptor; it is above every one that the launcher opens at its start.
    static let retainedDescriptor: CInt = 9

    private init(role: ChildRole, pid: pid_t, channel: consuming ProcessChannel) {
        self.role = role
        self.pid = pid
        self.channel = channel
    }

    /// Starts this same program again with `arguments`.
    ///
    /// The child gets standard input, output and error and its channel as descriptor 3, and no other descriptor; no
    /// signal blocked or ignored; a process group of its own, so that Ctrl-C reaches the launcher alone, which then
    /// ends the others in order.
    ///
    /// - Parameters:
    ///   - retained: A descriptor that the child gets as its ``retainedDescriptor``.
    ///   - output: What it gets as standard output and error; nil: those of this process.
    static func start(
        _ role: ChildRole, arguments: [String], environment: [String], retained: CInt? = nil, output: CInt? = nil
    ) throws(LauncherError) -> ChildProcess {
        do {
            let pair = try SocketPair.messages()
            let pid = try spawn(
                role, arguments, environment, handing: pair.second, retained: retained, output: output)
            return ChildProcess(role: role, pid: pid, channel: try ProcessChannel(adopting: pair.first))
        } catch let error as LauncherError {
            throw error
        } catch {
            throw .system("socketpair", EMFILE)
        }
    }

    private static func spawn(
        _ role: ChildRole, _ arguments: [String], _ environment: [String],
        handing descriptor: borrowing OwnedDescriptor,
        retained: CInt?, output: CInt?
    ) throws(LauncherError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Everything else has CLOEXEC. Onto itself, this takes CLOEXEC off as well
        // (posix_spawn_file_actions_adddup2(3p)).
        posix_spawn_file_actions_adddup2(&actions, descriptor.number, ProcessChannel.childDescriptor)
        if let retained { posix_spawn_file_actions_adddup2(&actions, retained, retainedDescriptor) }
        if let output {
            posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
            posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        }
        return try spawn(role.rawValue, arguments, environment, &actions)
    }

    /// Starts this same program as the console: with the terminal as its standard input, output and error, and in the
    /// terminal's foreground. As ``start(_:arguments:environment:retained:output:)`` otherwise, without a channel.
    static func startConsole(arguments: [String], environment: [String]) throws(LauncherError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // Before it runs: from the background it could not as much as ask how the terminal is set.
        _ = dtm_spawn_takes_terminal(&actions, STDIN_FILENO)
        return try spawn("the console", arguments, environment, &actions)
    }

    private static func spawn(
        _ name: String, _ arguments: [String], _ environment: [String], _ actions: inout posix_spawn_file_actions_t
    ) throws(LauncherError) -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var pid: pid_t = 0
        let failure = withCStrings(["dtm"] + arguments) { argv in
            withCStrings(environment) { envp in
                posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv, envp)
            }
        }
        guard failure == 0 else { throw .spawn(name, failure) }
        return pid
    }
}

/// Lends a null-terminated array of C strings.
private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers)
}
