import DTMPlan
import Glibc

/// One of the two processes that the launcher keeps running.
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
    /// - Parameter retained: A descriptor that the child gets as its ``retainedDescriptor``.
    static func start(
        _ role: ChildRole, arguments: [String], environment: [String], retained: CInt? = nil
    ) throws(LauncherError) -> ChildProcess {
        do {
            let pair = try SocketPair.messages()
            let pid = try spawn(role, arguments, environment, handing: pair.second, retained: retained)
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
        retained: CInt?
    ) throws(LauncherError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Everything else has CLOEXEC. Onto itself, this takes CLOEXEC off as well
        // (posix_spawn_file_actions_adddup2(3p)).
        posix_spawn_file_actions_adddup2(&actions, descriptor.number, ProcessChannel.childDescriptor)
        if let retained { posix_spawn_file_actions_adddup2(&actions, retained, retainedDescriptor) }
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
        guard failure == 0 else { throw .spawn(role.rawValue, failure) }
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
