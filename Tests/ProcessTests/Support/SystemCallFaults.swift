import Glibc
import Testing

/// One system call that a program made on files below a folder, as `strace -f -y` writes it down.
struct TracedCall: CustomStringConvertible {
    var thread: Substring
    var name: String
    /// What it was about: its arguments.
    var arguments: String
    /// Whether it was made to fail.
    var isInjected: Bool
    /// How `strace` is told which one it is; nil when it can't be, for another thread makes more calls of that name and
    /// would be hit first: `strace` counts them for each thread.
    var aim: Aim?

    struct Aim: Equatable {
        /// Calls that do not name it are not counted; nil when all are.
        var path: String?
        /// From 1.
        var occurrence: Int
    }

    var description: String { "\(name) #\(aim?.occurrence ?? 0) \(arguments.prefix(160))" }

    /// A path that it names, of a descriptor or by itself, if that is the same with each run.
    var steadyPath: String? {
        let path = arguments.dropFirst().split(whereSeparator: { "<>\"".contains($0) }).first { $0.hasPrefix("/") }
        // A key slot that is being made gets another name each time.
        return path.flatMap { $0.contains(".new-") || $0.contains("/slots/") ? nil : String($0) }
    }

    /// Whether a fault meant for this call has come to it.
    ///
    /// A call that a program is killed at is written down or not.
    func isHit(by fault: CallFault, _ faulted: (outcome: Outcome, calls: [TracedCall]), clean: [TracedCall]) -> Bool {
        func isCounted(_ call: TracedCall) -> Bool { call.name == name && (aim?.path.map(call.names) ?? true) }
        if fault != .kill { return faulted.calls.first { $0.isInjected }.map(isCounted) ?? false }
        let before = clean.prefix { $0.arguments != arguments || $0.aim != aim }.count(where: isCounted)
        return faulted.outcome.ending == .signalled(SIGKILL)
            && [before, before + 1].contains(faulted.calls.count(where: isCounted))
    }

    func names(_ path: String) -> Bool { arguments.contains("<\(path)>") || arguments.contains("\"\(path)\"") }

    /// Whether it can change anything, or is the end of what did.
    var changes: Bool {
        switch name {
        case "openat": arguments.contains("O_CREAT") || arguments.contains("O_WRONLY")
        case "read", "getdents64", "newfstatat", "faccessat2": false
        case "close": arguments.contains(".new-")
        default: true
        }
    }

    /// Whether a full disk can be what it ends with.
    var canFill: Bool {
        ["write", "fsync", "renameat", "mkdir"].contains(name) || arguments.contains("O_CREAT")
    }
}

/// What happens to one system call.
enum CallFault: CaseIterable {
    case kill, error, full

    var injection: String {
        switch self {
        case .kill: "signal=KILL"
        case .error: "error=EIO"
        case .full: "error=ENOSPC"
        }
    }
}

/// Runs a program under `strace`, and lets one of its system calls fail.
struct CallTracer {
    let directory: TestDirectory
    /// Calls that do not name something below are left out.
    let folder: String

    static let calls = [
        "openat", "read", "getdents64", "newfstatat", "faccessat2", "mkdir", "write", "fsync", "close", "rename",
        "renameat", "renameat2", "unlinkat", "rmdir",
    ]

    /// - Parameter fault: Nil: nothing happens to it.
    func run(
        _ command: [String], _ fault: (CallFault, at: TracedCall)? = nil, environment: [String: String]
    ) throws -> (outcome: Outcome, calls: [TracedCall]) {
        let file = directory.file("trace")
        var arguments = ["-f", "-y", "-o", file, "-e", "trace=\(Self.calls.joined(separator: ","))"]
        if let (fault, call) = fault, let aim = call.aim {
            arguments += ["-e", "inject=\(call.name):\(fault.injection):when=\(aim.occurrence)"]
            if let path = aim.path { arguments += ["-P", path] }
        }
        let outcome = try ProcessTests.run("strace", arguments + command, in: directory, environment: environment)
        return (outcome, calls(in: text(of: file)))
    }

    /// Those that concern the folder.
    private func calls(in trace: String) -> [TracedCall] {
        var all: [TracedCall] = []
        for line in trace.split(separator: "\n") {
            if let call = Self.call(line) {
                all.append(call)
            } else if line.contains(" resumed>"), line.contains("(INJECTED)"),
                let begun = all.lastIndex(where: { line.hasPrefix("\($0.thread) ") })
            {
                all[begun].isInjected = true
            }
        }
        return all.indices.filter { concerns(all[$0]) }.map { index in
            var call = all[index]
            call.aim = Self.aim(at: call, all[..<index], all)
            return call
        }
    }

    /// `PID NAME(ARGUMENTS) = RESULT`; a call that another thread's interrupts stands there with its beginning.
    private static func call(_ line: Substring) -> TracedCall? {
        guard let space = line.firstIndex(of: " "), let bracket = line.firstIndex(of: "("), space < bracket else {
            return nil
        }
        let name = String(line[space..<bracket].drop { $0 == " " })
        guard calls.contains(name) else { return nil }
        // What a call to open says of its result names a file that is no argument.
        let end = line.lastIndex(of: "=").map { name == "openat" ? $0 : line.endIndex } ?? line.endIndex
        return TracedCall(
            thread: line[..<space], name: name, arguments: String(line[bracket..<max(bracket, end)]),
            isInjected: line.contains("(INJECTED)"))
    }

    private static func aim(
        at call: TracedCall, _ before: ArraySlice<TracedCall>, _ all: [TracedCall]
    ) -> TracedCall.Aim? {
        func aim(_ path: String?, _ counts: (TracedCall) -> Bool) -> TracedCall.Aim? {
            let occurrence = before.count { counts($0) && $0.thread == call.thread } + 1
            let others = all.filter { counts($0) && $0.thread != call.thread }.reduce(into: [:]) {
                $0[$1.thread, default: 0] += 1
            }
            return others.values.contains { $0 >= occurrence } ? nil : .init(path: path, occurrence: occurrence)
        }
        if let plain = aim(nil, { $0.name == call.name }) { return plain }
        guard let path = call.steadyPath else { return nil }
        return aim(path) { $0.name == call.name && $0.names(path) }
    }

    private func concerns(_ call: TracedCall) -> Bool {
        ["/state", "/witness", "/.", ">"].contains { call.arguments.contains(folder + $0) }
    }
}
