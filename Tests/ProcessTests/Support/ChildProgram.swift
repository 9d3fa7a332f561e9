import CDTMLinux
import Glibc
import Testing

/// How a program ended.
enum Ending: Equatable {
    case exited(CInt)
    case signalled(CInt)

    init(waitStatus status: CInt) {
        self = status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
    }
}

/// A program that a test started, in a process group of its own. If it still runs, the group is killed with this object.
final class ChildProgram {
    let pid: pid_t
    let outputPath: String
    let errorPath: String
    /// Writes to the program's standard input; -1 without a pipe.
    private var input: CInt
    private(set) var ending: Ending?

    struct Launch {
        var program: String
        var arguments: [String] = []
        var environment: [String: String] = [:]
        /// Its working directory, where its output is kept as well.
        var directory: String
        var hasInput = false
    }

    init(_ launch: Launch) throws {
        let name = "\(launch.directory)/\(launch.program.split(separator: "/").last ?? "program")-\(Self.unique())"
        outputPath = "\(name).out"
        errorPath = "\(name).err"
        var pipes: [CInt] = [-1, -1]
        if launch.hasInput { try #require(pipe(&pipes) == 0) }
        input = pipes[1]
        defer { if pipes[0] >= 0 { close(pipes[0]) } }
        pid = try Self.spawn(launch, input: pipes[0], output: outputPath, error: errorPath)
    }

    deinit {
        closeInput()
        // Once it was waited for, its number may be somebody else's.
        guard isRunning else { return }
        kill(-pid, SIGKILL)
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    private static func unique() -> String {
        String(UInt64.random(in: .min ... .max), radix: 36)
    }

    private static func spawn(_ launch: Launch, input: CInt, output: String, error: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if input >= 0 {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, error, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // What is open here is nobody else's business: an end of a connection that a child holds never ends.
        _ = dtm_close_on_exec_from(3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        prepare(&attributes)
        // env(1) changes the folder and becomes the program.
        let arguments = ["env", "--chdir=\(launch.directory)", launch.program] + launch.arguments
        let environment = launch.environment.map { "\($0)=\($1)" }
        var pid: pid_t = 0
        let outcome = withCStrings(arguments) { arguments in
            withCStrings(environment) { posix_spawn(&pid, "/usr/bin/env", &actions, &attributes, arguments, $0) }
        }
        try #require(outcome == 0, "\(launch.program) could not be started: error \(outcome)")
        return pid
    }

    private static func prepare(_ attributes: inout posix_spawnattr_t) {
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    // MARK: Talking to it

    var output: String { text(of: outputPath) }
    var errors: String { text(of: errorPath) }
    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// Writes to its standard input. A program that reads no more is no mistake of the test's.
    func send(_ text: String) {
        Glibc.signal(SIGPIPE, SIG_IGN)
        _ = text.withCString { write(input, $0, strlen($0)) }
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    func signal(_ number: CInt) { kill(pid, number) }

    /// To all of its process group.
    func signalGroup(_ number: CInt) { kill(-pid, number) }

    // MARK: Its end

    var isRunning: Bool {
        guard ending == nil else { return false }
        var status: CInt = 0
        if waitpid(pid, &status, WNOHANG) == pid { ending = Ending(waitStatus: status) }
        return ending == nil
    }

    /// How it ended; nil when it still runs after `limit`.
    func wait(_ limit: Duration = .seconds(30)) -> Ending? {
        _ = eventually(limit) { !isRunning }
        return ending
    }
}

/// Calls a body with a null-terminated array of C strings.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return body(UnsafeMutablePointer.allocate(capacity: 1)) }
        return body(base)
    }
}
