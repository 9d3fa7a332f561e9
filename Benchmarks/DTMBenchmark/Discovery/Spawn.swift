import Glibc

/// Starting programs that say nothing, in large numbers.
enum Spawn {
    /// Starts a program of PATH with its output thrown away, and with the descriptors `kept` under the same numbers.
    ///
    /// - Parameters:
    ///   - input: Its standard input; nothing when nil.
    ///   - group: The process group that it joins; 0 for one of its own.
    static func quietly(
        _ arguments: [String], input: Int32? = nil, keeping kept: [Int32] = [], group: pid_t = 0
    ) throws(BenchmarkError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Onto itself: clears FD_CLOEXEC in the child (posix_spawn_file_actions_adddup2(3), glibc 2.29).
        for descriptor in kept { posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor) }
        return try start(arguments, &actions, group)
    }

    private static func start(
        _ arguments: [String], _ actions: inout posix_spawn_file_actions_t, _ group: pid_t
    ) throws(BenchmarkError) -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        ChildProcess.resetSignals(&attributes, group: group)
        let words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, arguments[0], &actions, &attributes, words, environ)
        guard code == 0 else {
            throw BenchmarkError("can't start \(arguments[0]): \(String(cString: strerror(code)))")
        }
        return pid
    }
}
