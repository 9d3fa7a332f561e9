import DTMAPI
import DTMCore
import Glibc
import Testing

/// `dtm up` in a home of its own. Everything that it started is gone with this object.
final class Manager {
    let directory: TestDirectory
    let home: String
    private(set) var launcher: ChildProgram
    /// What each start is told.
    private let always: [String]

    /// - Parameters:
    ///   - configuration: the text of the home's `config.json`; nil for none.
    ///   - user: as whom it runs, when not as this user.
    ///   - under: a command that runs it, with its arguments.
    ///   - program: another one than that which was built.
    init(
        _ configuration: String? = nil, arguments: [String] = [], user: OtherUser? = nil, under: [String] = [],
        program: String? = nil
    ) throws {
        directory = try TestDirectory()
        always = []
        home = directory.file("home")
        mkdir(home, 0o700)
        if let configuration { try directory.write("home/config.json", configuration) }
        if let user { user.own(directory.path, home, "\(home)/config.json") }
        launcher = try Self.up(directory, home, arguments, under + (user?.prefix ?? []), program)
        try awaitReady()
    }

    /// A manager on a home that is there already, with a sealed state.
    ///
    /// - Parameter passphraseFile: Nil: something in the surroundings unlocks it.
    init(
        existing directory: TestDirectory, home: String, unlock passphraseFile: String?, under: [String] = []
    ) throws {
        self.directory = directory
        self.home = home
        always = passphraseFile.map { ["--passphrase-file", $0] } ?? []
        launcher = try Self.up(directory, home, always, under)
        try awaitReady()
    }

    deinit { endEverything() }

    private static func up(
        _ directory: TestDirectory, _ home: String, _ arguments: [String], _ prefix: [String] = [],
        _ program: String? = nil
    ) throws -> ChildProgram {
        let command = [try program ?? BuiltProgram.path(), "up", "--no-ui", "--home", home] + arguments
        let whole = prefix + command
        return try ChildProgram(
            .init(
                program: whole[0], arguments: Array(whole.dropFirst()), environment: environment(home),
                directory: directory.path))
    }

    /// Another `dtm up` on the same home.
    func upAgain(_ arguments: [String] = []) throws -> ChildProgram {
        try Self.up(directory, home, always + arguments)
    }

    /// Starts it again after its end, whatever that was.
    func restart() throws {
        launcher = try upAgain()
        try awaitReady()
    }

    private func awaitReady(sourceLocation: SourceLocation = #_sourceLocation) throws {
        // Not whether the socket answers: after a launcher was killed, that may be the control that it left behind.
        let isReady = eventually(.seconds(20)) { launcher.output.contains("is up") || !launcher.isRunning }
        try #require(
            isReady && launcher.isRunning, "the manager did not come up: \(launcher.output) \(launcher.errors)",
            sourceLocation: sourceLocation)
    }

    var socketPath: String { "\(home)/run/control.sock" }

    private static func environment(_ home: String) -> [String: String] {
        basicEnvironment.merging(["DTM_HOME": home, "HOME": home]) { $1 }
    }

    // MARK: Commands

    /// Runs a command of the program to its end.
    func dtm(
        _ arguments: String..., user: OtherUser? = nil, limit: Duration = .seconds(30),
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        let command = (user?.prefix ?? []) + [try BuiltProgram.path()] + arguments
        return try run(
            command[0], Array(command.dropFirst()), in: directory, environment: Self.environment(home), limit: limit,
            sourceLocation: sourceLocation)
    }

    /// Starts a command that goes on.
    func start(_ arguments: String..., user: OtherUser? = nil, hasInput: Bool = false) throws -> ChildProgram {
        let command = (user?.prefix ?? []) + [try BuiltProgram.path()] + arguments
        return try ChildProgram(
            .init(
                program: command[0], arguments: Array(command.dropFirst()), environment: Self.environment(home),
                directory: directory.path, hasInput: hasInput))
    }

    /// Protects a target and says what came of it.
    @discardableResult
    func protect(
        _ subject: String, name: String, _ more: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> ProtectAnswer {
        let command = [try BuiltProgram.path(), "protect", subject, "--name", name, "--json"] + more
        let outcome = try run(
            command[0], Array(command.dropFirst()), in: directory, environment: Self.environment(home))
        try #require(outcome.status == 0, "protect: \(outcome.errors)", sourceLocation: sourceLocation)
        return try outcome.decode(ProtectAnswer.self)
    }

    func status(sourceLocation: SourceLocation = #_sourceLocation) throws -> StatusReport {
        let outcome = try dtm("status", "--json")
        try #require([0, 2].contains(outcome.status), "status: \(outcome.errors)", sourceLocation: sourceLocation)
        return try outcome.decode(StatusReport.self)
    }

    func tunnel(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> TunnelReport {
        let list = try dtm("tunnels", "--json").decode(TunnelList.self)
        return try #require(list.tunnels.first { $0.name == name }, sourceLocation: sourceLocation)
    }

    /// The names of all tunnels.
    func tunnelNames() throws -> Set<String> {
        Set(try dtm("tunnels", "--json").decode(TunnelList.self).tunnels.map(\.name))
    }

    func apps(sourceLocation: SourceLocation = #_sourceLocation) throws -> AppList {
        let outcome = try dtm("apps", "--json")
        try #require(outcome.status == 0, "apps: \(outcome.errors)", sourceLocation: sourceLocation)
        return try outcome.decode(AppList.self)
    }

    func endpoint(of name: String) throws -> Endpoint {
        try #require(try tunnel(name).endpoint?.endpoint)
    }

    /// Lets other users as far as the control socket, as a system's manager does: what remains is the decision by the kernel's
    /// word.
    func openDoors() {
        for path in [directory.path, home, "\(home)/run"] { chmod(path, 0o755) }
        chmod(socketPath, 0o666)
    }

    // MARK: Events

    func events() throws -> [EventReport] {
        try dtm("events", "--json").output.split(separator: "\n").map {
            try APIJSON.decode(EventReport.self, from: $0.utf8)
        }
    }

    /// The first event that matches, once there is one.
    @discardableResult
    func event(
        _ kind: String, within limit: Duration = .seconds(10), sourceLocation: SourceLocation = #_sourceLocation,
        where matches: (EventReport) -> Bool = { _ in true }
    ) throws -> EventReport {
        var seen: [EventReport] = []
        return try awaited("no event \(kind) as expected", within: limit, sourceLocation: sourceLocation) {
            seen = try events()
            return seen.first { $0.kind == kind && matches($0) }
        }
    }

    // MARK: The end

    /// Ends it in order and says how that went.
    func stop(_ signal: CInt = SIGTERM, within limit: Duration = .seconds(20)) -> Ending? {
        launcher.signal(signal)
        return launcher.wait(limit)
    }

    /// The processes that it has now, or had when its launcher was killed.
    func processes() -> [ManagedProcess] { ManagedProcess.recorded(in: home) }

    /// Kills all its processes at once, the launcher first.
    func killEverything() {
        let processes = processes()
        launcher.signal(SIGKILL)
        for process in processes { process.kill() }
        _ = launcher.wait(.seconds(5))
    }

    private func endEverything() {
        if launcher.isRunning {
            // The group: a command that runs it, as strace does, may keep the signal to itself.
            launcher.signalGroup(SIGTERM)
            launcher.signalGroup(SIGTERM)
            if launcher.wait(.seconds(3)) == nil { launcher.signalGroup(SIGKILL) }
        }
        for process in processes() { process.kill() }
    }
}

/// A process that the launcher wrote down: its number may have been used again, its start time tells.
struct ManagedProcess: Equatable {
    var pid: pid_t
    var startTicks: UInt64
    var role: String

    static func recorded(in home: String) -> [Self] {
        text(of: "\(home)/run/processes").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 3, let pid = pid_t(fields[0]), pid > 1, let ticks = UInt64(fields[1]) else {
                return nil
            }
            return Self(pid: pid, startTicks: ticks, role: String(fields[2]))
        }
    }

    var isAlive: Bool { ProcessFigures.startTicks(of: pid) == startTicks }

    func kill() { if isAlive { Glibc.kill(pid, SIGKILL) } }
}
