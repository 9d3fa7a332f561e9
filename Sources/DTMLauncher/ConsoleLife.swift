import Glibc

/// What the launcher does about the console in its foreground: when it starts it, gives it the terminal and takes that
/// back, and what the console's end means for the manager.
///
/// A state machine without a system call: each input returns what to do. Its life: awaited until control serves and the
/// terminal is there → shown ⇄ stopped (Ctrl-Z, `fg`, `bg`) → ending when the manager ends → none. It is shown once;
/// `dtm ui` shows it again.
struct ConsoleLife {
    /// Something to do.
    enum Action: Equatable {
        /// Start it, and say with ``started(_:)`` or ``failed()`` what came of that.
        case start
        /// Give it the terminal, and let it go on if it was stopped.
        case hand(pid_t)
        /// Take the terminal back from it. `isTorn`: it had no chance to leave the screen as it was.
        case takeBack(from: pid_t, isTorn: Bool)
        /// Stop this process until somebody continues it, and say so with ``resumed(isForeground:)``.
        case suspend
        case signal(pid_t, CInt)
        /// Print what was written meanwhile.
        case release
        /// To who reads standard output.
        case say(String)
        /// To who reads standard error.
        case complain(String)
        /// The manager is to end.
        case stopManager
    }

    private enum State: Equatable {
        case none
        /// Until control serves.
        case awaited
        /// Until the terminal is there.
        case due
        case shown(pid_t)
        case stopped(pid_t)
        case ending(pid_t, until: ContinuousClock.Instant)
    }

    /// Exit statuses of the console that mean something besides its failure.
    private static let stopsManager: CInt = 0
    private static let leavesManager: CInt = 3
    /// How long it may take to end before it is killed.
    static let patience = Duration.seconds(2)
    /// How often to look whether the terminal is there.
    static let beat = Duration.milliseconds(500)
    private static let again = "dtm ui shows it again, Ctrl-C ends it"

    private var state: State
    /// How often the manager was told to end meanwhile.
    private var stops = 0

    init(isWanted: Bool) { state = isWanted ? .awaited : .none }

    /// Its process, and its process group.
    var pid: pid_t? {
        switch state {
        case .none, .awaited, .due: nil
        case .shown(let pid), .stopped(let pid), .ending(let pid, _): pid
        }
    }

    /// Whether nobody else may write to the terminal.
    var hasScreen: Bool { pid != nil }

    /// Whether ``beat(isForeground:)`` is to be called now and then.
    var wantsBeat: Bool {
        switch state {
        case .due, .stopped: true
        default: false
        }
    }

    /// When it is to be killed.
    var deadline: ContinuousClock.Instant? {
        if case .ending(_, let until) = state { until } else { nil }
    }

    /// Control serves.
    mutating func ready(isForeground: Bool) -> [Action] {
        guard state == .awaited else { return [] }
        state = .due
        return beat(isForeground: isForeground)
    }

    /// - Parameter isForeground: Whether this process's group or the console's has the terminal.
    mutating func beat(isForeground: Bool) -> [Action] {
        switch state {
        case .due where isForeground: return [.start]
        case .stopped(let pid) where isForeground:
            state = .shown(pid)
            return [.hand(pid)]
        default: return []
        }
    }

    mutating func started(_ pid: pid_t) { state = .shown(pid) }

    mutating func failed() { state = .none }

    /// It was stopped: by itself, for Ctrl-Z, or because somebody else has the terminal.
    mutating func stopped(by signal: CInt) -> [Action] {
        guard case .shown(let pid) = state else { return [] }
        state = .stopped(pid)
        let lacksTerminal = signal == SIGTTIN || signal == SIGTTOU
        return lacksTerminal ? [] : [.takeBack(from: pid, isTorn: false), .suspend]
    }

    /// This process goes on after ``Action/suspend``.
    mutating func resumed(isForeground: Bool) -> [Action] { beat(isForeground: isForeground) }

    /// - Parameter status: As `waitpid(2)` has it.
    mutating func ended(status: CInt) -> [Action] {
        guard let pid else { return [] }
        let wasTold = if case .ending = state { true } else { false }
        defer {
            state = .none
            stops = 0
        }
        let end: [Action] = [.takeBack(from: pid, isTorn: status & 0x7f != 0), .release]
        if wasTold { return end + [Action](repeating: .stopManager, count: stops) }
        if status & 0x7f == 0 {
            switch status >> 8 & 0xff {
            case Self.stopsManager: return end + [.stopManager]
            case Self.leavesManager: return end + [.say("the manager goes on without its console (\(Self.again))")]
            default: break
            }
        }
        return end + [.complain("the console ended \(WaitStatus.text(status)); the manager goes on (\(Self.again))")]
    }

    /// The manager was told to end: the console ends first.
    mutating func stop(at now: ContinuousClock.Instant) -> [Action] {
        guard let pid else {
            state = .none
            return [.stopManager]
        }
        stops += 1
        // Whoever says it twice does not want to wait.
        return stops > 1 ? [.signal(pid, SIGKILL)] : end(at: now)
    }

    /// The manager ends by itself.
    mutating func end(at now: ContinuousClock.Instant) -> [Action] {
        switch state {
        case .none: return []
        case .awaited, .due:
            state = .none
            return []
        case .ending: return []
        case .shown(let pid), .stopped(let pid):
            state = .ending(pid, until: now + Self.patience)
            return [.signal(pid, SIGTERM), .signal(pid, SIGCONT)]
        }
    }

    mutating func timePassed(at now: ContinuousClock.Instant) -> [Action] {
        guard case .ending(let pid, let until) = state, until <= now else { return [] }
        state = .ending(pid, until: now + Self.patience)
        return [.signal(pid, SIGKILL)]
    }
}

/// Reads what `waitpid(2)` says.
enum WaitStatus {
    /// The signal that stopped it; nil when it ended.
    static func stop(_ status: CInt) -> CInt? { status & 0xff == 0x7f ? status >> 8 & 0xff : nil }

    /// As a shell has it.
    static func exitCode(_ status: CInt) -> CInt {
        status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
    }

    static func text(_ status: CInt) -> String {
        status & 0x7f == 0 ? "with status \(status >> 8 & 0xff)" : "by signal \(status & 0x7f)"
    }
}
