import CDTMLinux
import DTMCore
import DTMPlan
import DTMSecrets
import Glibc

/// What `dtm up` was asked for, as the launcher hands it on.
public struct LauncherOptions: Sendable {
    /// The manager's home, absolute.
    public var home: String
    /// Arguments for control besides those of the launcher.
    public var controlArguments: [String]
    /// The arguments with which this same program is the console in the foreground; nil: none is shown.
    public var console: [String]?

    public init(home: String, controlArguments: [String], console: [String]? = nil) {
        self.home = home
        self.controlArguments = controlArguments
        self.console = console
    }
}

/// The process that a person or systemd starts: it starts control and the data plane, starts again what dies, passes
/// signals on, and ends them in order. Single-threaded; holds no secret and opens no network.
///
/// On a terminal it starts the console as well, once control serves, and lends it the terminal (``ConsoleLife``). Nobody
/// else writes there meanwhile.
///
/// Signals: SIGINT and SIGTERM end everything within the drain, a second one at once; SIGHUP reads the configuration
/// again.
public final class Launcher {
    private let options: LauncherOptions
    private let home: ManagerHome
    private let record: ProcessRecord
    private let signals: CInt
    private let environment: [String]
    /// A place in memory for control's root key, so that control can be started again without asking anybody: this
    /// process holds the descriptor and never maps it. Nil where the kernel has no such memory.
    private let retained: CInt?
    private var control: ChildProcess?
    private var dataPlane: ChildProcess?
    private var controlRestart = RestartPolicy()
    private var dataPlaneRestart = RestartPolicy()
    private var controlDue: ContinuousClock.Instant?
    private var dataPlaneDue: ContinuousClock.Instant?
    private var wasReady = false
    private var isFinal = false
    private var needsLink = false
    private var stopping: Stop?
    private var exitStatus: CInt = 0
    private var console: ConsoleLife
    private var terminal: ConsoleTerminal?
    /// What the others write, when a console may be shown; otherwise they have this process's own standard output and error.
    private let output: OutputPipe?
    private var backlog = TextBacklog()

    private enum Stop {
        case draining(until: ContinuousClock.Instant)
        case now(until: ContinuousClock.Instant)

        var until: ContinuousClock.Instant {
            switch self {
            case .draining(let until), .now(let until): until
            }
        }
    }

    /// Control decides how long a drain takes; this only bounds a control that hangs.
    private static let longestDrain = Duration.seconds(900)
    private static let longestNow = Duration.seconds(2)

    /// Runs a manager until it is told to end.
    ///
    /// - Returns: the exit status.
    /// - Throws: when the home can't be used or another manager has it.
    public static func run(_ options: LauncherOptions) throws(LauncherError) -> CInt {
        ProcessHardening.apply()
        _ = dtm_close_on_exec_from(3)
        ProcessHardening.raiseDescriptorLimit()
        let home = try ManagerHome(path: options.home)
        let record = ProcessRecord(home: options.home)
        Orphans.end(record.survivors())
        let numbers: [CInt] = [SIGINT, SIGTERM, SIGHUP, SIGCHLD]
        let signals = dtm_signal_descriptor(numbers, CInt(numbers.count))
        guard signals >= 0 else { throw .system("signalfd", -signals) }
        let launcher = Launcher(options, home, record, signals)
        return launcher.loop()
    }

    private init(_ options: LauncherOptions, _ home: consuming ManagerHome, _ record: ProcessRecord, _ signals: CInt) {
        self.options = options
        self.home = home
        self.record = record
        self.signals = signals
        environment = ProcessHardening.childEnvironment()
        retained = RetainedKey.makeDescriptor()
        console = ConsoleLife(isWanted: options.console != nil)
        terminal = options.console.map { _ in ConsoleTerminal() }
        output = options.console == nil ? nil : OutputPipe()
        controlDue = .now
        dataPlaneDue = .now
    }

    private func loop() -> CInt {
        while true {
            startWhatIsDue()
            if control == nil, dataPlane == nil, stopping != nil, !console.hasScreen { break }
            waitForSomething()
            readSignals()
            readChannels()
            readOutput()
            reap()
            lookAfterConsole()
            enforceStop()
        }
        readOutput()
        record.remove()
        return exitStatus
    }

    // MARK: Starting

    private func startWhatIsDue() {
        guard stopping == nil else { return }
        let now = ContinuousClock.now
        var started = false
        if dataPlane == nil, let due = dataPlaneDue, due <= now {
            dataPlaneDue = nil
            started = start(.dataPlane, ["__dataplane"]) || started
        }
        if control == nil, let due = controlDue, due <= now {
            controlDue = nil
            let arguments = ["__control", "--home", options.home, "--launcher", "\(getpid())"]
            let keeping = retained.map { _ in ["--retained-key", "\(ChildProcess.retainedDescriptor)"] } ?? []
            started = start(.control, arguments + keeping + options.controlArguments) || started
        }
        if started {
            needsLink = true
            writeRecord()
        }
        linkIfPossible()
    }

    private func start(_ role: ChildRole, _ arguments: [String]) -> Bool {
        do {
            let child = try ChildProcess.start(
                role, arguments: arguments, environment: environment, retained: role == .control ? retained : nil,
                output: output?.writing)
            switch role {
            case .control: control = child
            case .dataPlane: dataPlane = child
            }
            return true
        } catch {
            complain("\(error)")
            schedule(role, after: RestartPolicy.longestDelay)
            return false
        }
    }

    /// Gives both processes one end each of a fresh socket pair.
    private func linkIfPossible() {
        guard needsLink, control != nil, dataPlane != nil else { return }
        do {
            let pair = try SocketPair.stream()
            try control?.channel.send(.link(pair.first))
            try dataPlane?.channel.send(.link(pair.second))
            needsLink = false
        } catch {
            // One of them has just died: its end is noticed next, and the link is made anew.
            needsLink = true
        }
    }

    private func writeRecord() {
        var processes: [(pid: pid_t, role: String)] = []
        if let pid = control?.pid { processes.append((pid, ChildRole.control.rawValue)) }
        if let pid = dataPlane?.pid { processes.append((pid, ChildRole.dataPlane.rawValue)) }
        record.write(processes)
    }

    private func schedule(_ role: ChildRole, after delay: Duration) {
        switch role {
        case .control: controlDue = .now + delay
        case .dataPlane: dataPlaneDue = .now + delay
        }
    }

    // MARK: Waiting

    private func waitForSomething() {
        var interests = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
        if let descriptor = control?.channel.descriptor {
            interests.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
        if let descriptor = output?.reading {
            interests.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
        let now = ContinuousClock.now
        let beat = console.wantsBeat ? now + ConsoleLife.beat : nil
        let due = [controlDue, dataPlaneDue, stopping?.until, console.deadline, beat].compactMap { $0 }.min()
        let wait = due.map { max(0, now.duration(to: $0).wholeMilliseconds + 1) }
        poll(&interests, nfds_t(interests.count), wait.map { CInt(clamping: $0) } ?? -1)
    }

    private func readSignals() {
        while true {
            let number = dtm_next_signal(signals)
            guard number > 0 else { return }
            switch number {
            case SIGINT, SIGTERM: carryOut(console.stop(at: .now))
            case SIGHUP: try? control?.channel.send(.reload)
            default: break
            }
        }
    }

    private func readChannels() {
        guard let descriptor = control?.channel.descriptor else { return }
        var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&interest, 1, 0) > 0, interest.revents & Int16(POLLIN) != 0 {
            guard let message = try? control?.channel.receive() else { return }
            switch consume message {
            case .ready:
                wasReady = true
                carryOut(console.ready(isForeground: isForeground))
            case .final: isFinal = true
            default: break
            }
        }
    }

    // MARK: Ending

    private func stop() {
        switch stopping {
        case nil:
            stopping = .draining(until: .now + Self.longestDrain)
            controlDue = nil
            dataPlaneDue = nil
            try? control?.channel.send(.drain)
            if control == nil { endAtOnce() }
        case .draining: endAtOnce()
        case .now: break
        }
    }

    private func endAtOnce() {
        stopping = .now(until: .now + Self.longestNow)
        try? control?.channel.send(.now)
        if let pid = dataPlane?.pid { kill(pid, SIGTERM) }
    }

    private func enforceStop() {
        guard let stopping, stopping.until <= .now else { return }
        if let pid = control?.pid { kill(pid, SIGKILL) }
        if let pid = dataPlane?.pid { kill(pid, SIGKILL) }
        self.stopping = .now(until: .now + Self.longestNow)
    }

    private func reap() {
        var ended: [pid_t: CInt] = [:]
        var status: CInt = 0
        while case let pid = waitpid(-1, &status, WNOHANG | WUNTRACED), pid > 0 {
            guard let signal = WaitStatus.stop(status) else {
                ended[pid] = status
                continue
            }
            if pid == console.pid { carryOut(console.stopped(by: signal)) }
        }
        // Control's last word may have come since they were read.
        if !ended.isEmpty {
            readChannels()
            readOutput()
        }
        if let status = console.pid.flatMap({ ended[$0] }) { carryOut(console.ended(status: status)) }
        // The data plane ends with control: first what is the reason.
        if let status = control.flatMap({ ended[$0.pid] }) { controlEnded(status) }
        if let status = dataPlane.flatMap({ ended[$0.pid] }) { dataPlaneEnded(status) }
    }

    private func controlEnded(_ status: CInt) {
        let lifetime = control?.startedAt.duration(to: .now) ?? .zero
        control = nil
        let code = WaitStatus.exitCode(status)
        if stopping != nil || !wasReady || isFinal || code == 0 {
            // It ended as it was told, or says that it is for good, or it never got as far as serving: the reason is on standard error, and trying
            // again would only repeat it.
            exitStatus = stopping == nil ? code : (exitStatus == 0 ? code : exitStatus)
            giveUpDataPlane()
            return
        }
        complain("control ended \(WaitStatus.text(status)); starting it again")
        // The data plane ends with the link. Both begin anew, since certificates and endpoints were control's.
        schedule(.control, after: controlRestart.delay(afterLiving: lifetime))
    }

    private func giveUpDataPlane() {
        if stopping == nil { stopping = .now(until: .now + Self.longestNow) }
        controlDue = nil
        dataPlaneDue = nil
        if let pid = dataPlane?.pid { kill(pid, SIGTERM) }
    }

    private func dataPlaneEnded(_ status: CInt) {
        let lifetime = dataPlane?.startedAt.duration(to: .now) ?? .zero
        dataPlane = nil
        guard stopping == nil, !isFinal else { return }
        // With status 0 it ended because its link did: control is going, and says why itself.
        if control != nil, status != 0 {
            complain("the data plane ended \(WaitStatus.text(status)); starting it again")
        }
        schedule(.dataPlane, after: dataPlaneRestart.delay(afterLiving: lifetime))
    }
}

extension Launcher {
    private var isForeground: Bool { terminal?.isForeground(console: console.pid) ?? false }

    private func lookAfterConsole() {
        // Control is at its end, for whatever reason.
        if stopping != nil { carryOut(console.end(at: .now)) }
        if console.wantsBeat { carryOut(console.beat(isForeground: isForeground)) }
        carryOut(console.timePassed(at: .now))
    }

    private func carryOut(_ actions: [ConsoleLife.Action]) {
        for action in actions { carryOut(action) }
    }

    private func carryOut(_ action: ConsoleLife.Action) {
        switch action {
        case .start: startConsole()
        case .hand(let pid):
            terminal?.remember()
            terminal?.hand(to: pid)
            kill(-pid, SIGCONT)
        case .takeBack(let pid, let isTorn): terminal?.takeBack(from: pid, isTorn: isTorn)
        case .suspend:
            kill(getpid(), SIGSTOP)
            carryOut(console.resumed(isForeground: isForeground))
        case .signal(let pid, let number): kill(-pid, number)
        case .release: pass(backlog.take())
        case .say(let text): Self.write(Array("dtm: \(text)\n".utf8), to: STDOUT_FILENO)
        case .complain(let text): complain(text)
        case .stopManager: stop()
        }
    }

    private func startConsole() {
        terminal?.remember()
        do {
            console.started(
                try ChildProcess.startConsole(arguments: options.console ?? [], environment: environment))
        } catch {
            console.failed()
            // It may have had the terminal before it failed.
            terminal?.hand(to: getpgrp())
            complain("\(error); the manager goes on without it (Ctrl-C ends it)")
        }
    }

    /// Takes what the others have written: as much as the pipe holds.
    private func readOutput() { pass(output?.read() ?? []) }

    private func complain(_ text: String) { pass(Array("dtm: \(text)\n".utf8)) }

    /// Writes to standard error, once nobody is drawing there.
    private func pass(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if console.hasScreen { backlog.append(bytes) } else { Self.write(bytes, to: STDERR_FILENO) }
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt) {
        bytes.withUnsafeBytes { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
