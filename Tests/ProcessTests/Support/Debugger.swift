import Glibc
import Testing

/// gdb on a process, told what to do line by line.
final class Debugger {
    private let program: ChildProgram
    private var number = 0

    /// Attaches to a process.
    init(_ pid: pid_t, in directory: TestDirectory) throws {
        program = try Self.start(["-p", "\(pid)"], directory)
        try wait("attach")
    }

    /// For a program that is not started yet: see ``command(_:within:)`` with `run`.
    init(running command: [String], in directory: TestDirectory) throws {
        program = try Self.start(["--args"] + command, directory)
        try wait("load")
    }

    private static func start(_ arguments: [String], _ directory: TestDirectory) throws -> ChildProgram {
        let settings = [
            "set pagination off", "set confirm off", "set breakpoint pending on", "set debuginfod enabled off",
            "handle SIGPIPE nostop noprint pass",
        ]
        return try ChildProgram(
            .init(
                program: "gdb", arguments: ["-nx", "-q"] + settings.flatMap { ["-iex", $0] } + arguments,
                // Else the program would begin again, without Swift's backtracer.
                environment: basicEnvironment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 },
                directory: directory.path, hasInput: true))
    }

    deinit {
        program.send("kill\nquit\n")
        program.closeInput()
    }

    /// Runs a command of gdb's to its end; of `continue` and the like, that is the next stop.
    @discardableResult
    func command(_ text: String, within limit: Duration = .seconds(20)) throws -> String {
        let before = program.output.utf8.count
        program.send("\(text)\n")
        try wait(text, within: limit)
        return String(decoding: Array(program.output.utf8.dropFirst(before)), as: UTF8.self)
    }

    /// Begins one whose end is waited for with ``wait(_:within:)``.
    func begin(_ text: String) { program.send("\(text)\n") }

    /// Waits until what was told is done.
    func wait(_ what: String, within limit: Duration = .seconds(20)) throws {
        number += 1
        let mark = "done-\(number)."
        program.send("echo done-\(number).\\n\n")
        let isDone = eventually(limit) { program.output.contains(mark) || !program.isRunning }
        try #require(
            isDone && program.isRunning, "gdb: \(what): \(program.output.suffix(2_000)) \(program.errors.suffix(2_000))"
        )
    }

    /// The number of the process.
    func process() throws -> pid_t {
        let text = try command("info inferiors")
        return try #require(
            text.split(separator: "process ").last.flatMap { pid_t($0.prefix { $0.isNumber }) }, "\(text)")
    }

    /// Lets the process go on without a debugger.
    func detach() {
        program.send("detach\nquit\n")
        program.closeInput()
        _ = program.wait(.seconds(10))
    }
}
