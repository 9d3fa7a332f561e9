import Glibc

/// The terminal that the launcher was started on: who has it, and how it was.
///
/// Whoever changes the foreground from the background is sent SIGTTOU (`tcsetpgrp(3)`): it is ignored from the first
/// on.
struct ConsoleTerminal {
    private let descriptor = STDIN_FILENO
    private var mode = termios()
    private var hasMode = false

    init() { signal(SIGTTOU, SIG_IGN) }

    /// Whether the launcher's group or `console` has it.
    func isForeground(console: pid_t?) -> Bool {
        let group = tcgetpgrp(descriptor)
        return group == getpgrp() || group > 0 && group == console
    }

    /// Remembers how it is.
    mutating func remember() { hasMode = tcgetattr(descriptor, &mode) == 0 }

    func hand(to group: pid_t) { tcsetpgrp(descriptor, group) }

    /// Takes it back, as it was; not from anybody else than `group`.
    ///
    /// - Parameter isTorn: Whether the screen was left as the console had it.
    mutating func takeBack(from group: pid_t, isTorn: Bool) {
        guard isForeground(console: group) else { return }
        tcsetpgrp(descriptor, getpgrp())
        if hasMode { tcsetattr(descriptor, TCSADRAIN, &mode) }
        guard isTorn else { return }
        // xterm's control sequences: the mouse off, lines wrap, the cursor shows, no alternate screen, no attributes.
        let leave = "\u{1b}[?1000l\u{1b}[?1002l\u{1b}[?1006l\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l\u{1b}[0m"
        _ = leave.withCString { write(STDOUT_FILENO, $0, strlen($0)) }
    }
}
