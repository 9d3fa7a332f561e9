import DTMSecrets
import Glibc

/// Asks on the terminal, without an echo.
///
/// Control has a process group of its own, in the background of the terminal: for the time of a question it takes the
/// foreground (`tcsetpgrp(3)`), and gives it back. The terminal is closed with the value.
public struct PassphrasePrompt: ~Copyable, Sendable {
    private let terminal: Int32

    /// Nil without a terminal.
    public init?() {
        let descriptor = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        terminal = descriptor
    }

    deinit { close(terminal) }

    /// A line for whoever sits there.
    public borrowing func say(_ text: String) {
        let line = text + "\n"
        _ = line.withCString { write(terminal, $0, strlen($0)) }
    }

    /// Nil when the question was given up (Ctrl-C, Ctrl-D, or nothing).
    public borrowing func read(_ question: String) throws(StateError) -> UnlockSecret? {
        let before = signal(SIGTTOU, SIG_IGN)
        defer { signal(SIGTTOU, before) }
        let foreground = tcgetpgrp(terminal)
        guard foreground >= 0, tcsetpgrp(terminal, getpgrp()) == 0 else { return nil }
        defer { tcsetpgrp(terminal, foreground) }
        var mode = termios()
        guard tcgetattr(terminal, &mode) == 0 else { return nil }
        var silent = mode
        // Signals of the terminal would go to this group alone.
        silent.c_lflag &= ~tcflag_t(ECHO | ECHOE | ECHOK | ECHONL | ISIG | ICANON)
        tcsetattr(terminal, TCSAFLUSH, &silent)
        defer { tcsetattr(terminal, TCSAFLUSH, &mode) }
        _ = question.withCString { write(terminal, $0, strlen($0)) }
        defer { _ = write(terminal, "\n", 1) }
        return try line()
    }

    private borrowing func line() throws(StateError) -> UnlockSecret? {
        var length = 0
        var isGivenUp = false
        do {
            let whole = try SecretBytes(count: UnlockSecret.maximumBytes) { buffer in
                while true {
                    var byte: UInt8 = 0
                    let count = Glibc.read(terminal, &byte, 1)
                    if count < 0, errno == EINTR { continue }
                    switch (count, byte) {
                    case (1, 0x0a), (1, 0x0d): return
                    case (1, 0x08), (1, 0x7f): length = max(0, length - 1)
                    case (1, 0x15): length = 0
                    case (1, 0x03), (1, 0x04), (...0, _):
                        isGivenUp = true
                        return
                    default:
                        guard length < buffer.count else { continue }
                        buffer[length] = byte
                        length += 1
                    }
                }
            }
            guard !isGivenUp, length > 0 else { return nil }
            let count = length
            return try UnlockSecret(
                SharedSecret(
                    try whole.prefix(count)))
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError(.memory, "no protected memory for a passphrase", cause: error)
        }
    }
}
