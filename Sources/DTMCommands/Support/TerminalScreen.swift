import DTMAPI
import Glibc

/// The whole of a terminal, for a view that is drawn again and again; what stood there before comes back at the end.
///
/// ``begin(_:)`` → ``draw(_:on:)`` … → ``end(_:)``. A signal that ends or stops the program puts the terminal back first.
enum TerminalScreen {
    /// The alternate screen, without a cursor and without a second line for what is too long (xterm, DECSET).
    static let beginning = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l"
    static let ending = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"

    /// Whether `descriptor` is a terminal that can move its cursor.
    static func isAvailable(
        at descriptor: Int32 = STDOUT_FILENO, environment: (String) -> String? = HomeDirectory.variable
    ) -> Bool {
        isatty(descriptor) == 1 && environment("TERM") != "dumb"
    }

    /// Lines and columns.
    struct Size: Equatable {
        var lines: Int
        var columns: Int
    }

    /// Nil when that can't be told.
    static func size(of descriptor: Int32 = STDOUT_FILENO) -> Size? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return nil }
        return Size(lines: Int(size.ws_row), columns: Int(size.ws_col))
    }

    static func begin(_ output: Output) throws {
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            handle(number, flags: Int32(bitPattern: SA_RESETHAND), restoreAndEnd)
        }
        handle(SIGTSTP, flags: SA_RESTART, restoreAndStop)
        setKeyboard(isImmediate: true)
        try output.drawing(beginning)
    }

    /// Draws over what is there, without a moment of emptiness.
    static func draw(_ lines: [String], on output: Output) throws { try output.drawing(frame(lines)) }

    /// Each line is cleared before it is written, with the last all below it: at the last column the cursor stands on the
    /// character that was written there, and would clear that.
    static func frame(_ lines: [String]) -> String {
        "\u{1b}[H" + lines.dropLast().map { "\u{1b}[K\($0)\r\n" }.joined() + "\u{1b}[J" + (lines.last ?? "")
    }

    static func end(_ output: Output) {
        setKeyboard(isImmediate: false)
        try? output.drawing(ending)
    }

    private static func handle(_ number: Int32, flags: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = handler
        action.sa_flags = flags
        _ = sigaction(number, &action, nil)
    }

    // MARK: The keyboard

    /// What has been typed.
    enum Key: Equatable {
        case end, again

        init?(typed bytes: some Collection<UInt8>) {
            switch bytes.first {
            // Control-C comes as a signal; Control-D ends most programs.
            case UInt8(ascii: "q"), UInt8(ascii: "Q"), 0x04: self = .end
            case UInt8(ascii: " "), UInt8(ascii: "r"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): self = .again
            // Of an arrow and the like come several bytes, the first of them an escape.
            default: return nil
            }
        }
    }

    /// Nil when nothing has been typed that means something. Does not wait.
    static func key() -> Key? {
        guard isatty(STDIN_FILENO) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 64)
        var waiting = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 0) == 1 else { return nil }
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        return count > 0 ? Key(typed: bytes.prefix(count)) : nil
    }

    /// Waits for a while; ends earlier when a key says so, when the terminal has another size, and after the program was
    /// stopped, since somebody else has drawn by then.
    static func pause(_ duration: Duration) async throws -> WatchLoop.Step {
        let end = ContinuousClock.now + duration
        let drawn = size()
        while true {
            switch key() {
            case .end?: return .end
            case .again?: return .ask
            case nil: break
            }
            guard size() == drawn else { return .show }
            let begun = ContinuousClock.now
            guard begun < end else { return .ask }
            let nap = min(end - begun, .milliseconds(100))
            try await Task.sleep(for: nap)
            if ContinuousClock.now - begun > nap + .seconds(1) { return .show }
        }
    }
}

// Handlers may interrupt anything, so they do nothing but system calls on constants (`signal-safety(7)`).

/// Whether keys come as they are typed and are not shown, or by the line as shells expect it.
private func setKeyboard(isImmediate: Bool) {
    var terminal = termios()
    guard tcgetattr(STDIN_FILENO, &terminal) == 0 else { return }
    let flags = tcflag_t(ICANON | ECHO)
    terminal.c_lflag = isImmediate ? terminal.c_lflag & ~flags : terminal.c_lflag | flags
    _ = tcsetattr(STDIN_FILENO, TCSANOW, &terminal)
}

/// The signal comes again when this returns, and then does what it does by default.
private let restoreAndEnd: @convention(c) (Int32) -> Void = { number in
    setKeyboard(isImmediate: false)
    let ending: StaticString = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"
    _ = write(STDOUT_FILENO, ending.utf8Start, ending.utf8CodeUnitCount)
    _ = raise(number)
}

/// Goes on after `fg`.
private let restoreAndStop: @convention(c) (Int32) -> Void = { _ in
    let code = errno
    setKeyboard(isImmediate: false)
    let ending: StaticString = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"
    _ = write(STDOUT_FILENO, ending.utf8Start, ending.utf8CodeUnitCount)
    _ = raise(SIGSTOP)
    setKeyboard(isImmediate: true)
    let beginning: StaticString = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l"
    _ = write(STDOUT_FILENO, beginning.utf8Start, beginning.utf8CodeUnitCount)
    errno = code
}
