import Glibc

/// Whether `dtm up` shows a console.
public struct ConsolePolicy: Hashable, Sendable {
    /// `--no-ui`.
    public var isUnwanted: Bool
    /// `--system`, started by systemd (`INVOCATION_ID`, systemd.exec(5)).
    public var isService: Bool
    /// Whether standard input and output are a terminal, with this process in its foreground.
    public var hasTerminal: Bool
    /// `TERM`.
    public var terminal: String?

    public init(isUnwanted: Bool, isService: Bool, hasTerminal: Bool, terminal: String?) {
        self.isUnwanted = isUnwanted
        self.isService = isService
        self.hasTerminal = hasTerminal
        self.terminal = terminal
    }

    /// What this process finds.
    public init(noUI: Bool, system: Bool) {
        let isForeground = tcgetpgrp(STDIN_FILENO) == getpgrp()
        self.init(
            isUnwanted: noUI, isService: system && getenv("INVOCATION_ID") != nil,
            hasTerminal: isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && isForeground,
            terminal: getenv("TERM").map { String(cString: $0) })
    }

    /// Whether it does.
    public var showsConsole: Bool {
        guard !isUnwanted, !isService, hasTerminal, let terminal else { return false }
        return !terminal.isEmpty && terminal != "dumb"
    }
}
