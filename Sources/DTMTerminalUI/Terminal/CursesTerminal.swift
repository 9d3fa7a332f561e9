import CDTMLinux
import CNcurses
import DTMText
import Glibc

/// The terminal, by ncurses. For the main thread alone: ncurses keeps its screen in global variables.
///
/// ``init(options:)`` takes it → ``show(_:)`` screens, ``nextKey()`` → ``end()`` gives it back. A fault in between gives it
/// back as well.
@MainActor
final class CursesTerminal {
    let glyphs: Glyphs
    private let palette: Palette
    /// What stands on the screen; nil: nobody knows.
    private var shown: Grid?

    /// - Throws: ``ConsoleError``.
    init(options: ConsoleOptions) throws(ConsoleError) {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
            throw ConsoleError(
                .noTerminal, "the console needs a terminal at its standard input and output",
                hint: "without one: dtm status, dtm apps --watch, dtm events --follow")
        }
        let name = getenv("TERM").map { String(cString: $0) } ?? ""
        // Before ncurses changes it.
        guard dtm_terminal_guard(Self.leaving) == 0 else {
            throw ConsoleError(.noTerminal, "the terminal's settings can't be read", hint: nil)
        }
        setlocale(LC_CTYPE, "")
        guard name != "dumb", dtm_curses_begin() == 0 else {
            throw ConsoleError(
                .unknownTerminal,
                "nothing is known here of the terminal \(DTMText.shown(name.isEmpty ? "(TERM is not set)" : name))",
                hint: "TERM=xterm-256color dtm ui, if it is like most; dtm up --no-ui does without a console")
        }
        let isUnicode = String(cString: nl_langinfo(nl_item(CODESET))) == "UTF-8"
        // The Linux console's font has few of the blocks.
        glyphs = isUnicode && !options.isASCII && name != "linux" ? .unicode : .ascii
        palette = Palette(
            depth: ColourDepth(colours: Int(dtm_curses_colors()), isRefused: options.refusesColours))
        definePairs()
    }

    /// What leaves the screen whatever it is (xterm's control sequences): mouse, wrapping, cursor, alternate screen, colours.
    private static let leaving = "\u{1b}[?1006l\u{1b}[?1000l\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l\u{1b}[0m"

    /// Gives the terminal back.
    func end() {
        dtm_curses_end()
        dtm_terminal_restore()
        shown = nil
    }

    /// Takes it again after ``end()``.
    func resume() {
        dtm_terminal_rearm()
        dtm_curses_redraw()
        shown = nil
    }

    // MARK: Size

    struct Size: Equatable {
        var rows: Int
        var columns: Int
    }

    var size: Size {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else {
            return Size(rows: 24, columns: 80)
        }
        return Size(rows: min(1_000, Int(size.ws_row)), columns: min(1_000, Int(size.ws_col)))
    }

    func resize(to size: Size) {
        dtm_curses_resize(CInt(size.rows), CInt(size.columns))
        redraw()
    }

    /// The next screen is drawn as a whole.
    func redraw() {
        dtm_curses_erase()
        dtm_curses_redraw()
        shown = nil
    }

    // MARK: Drawing

    /// Shows a screen; only cells that differ from what stands there reach the terminal.
    func show(_ grid: Grid) {
        let before = shown.flatMap { $0.rows == grid.rows && $0.columns == grid.columns ? $0 : nil }
        if before == nil { dtm_curses_erase() }
        for row in 0..<grid.rows {
            for column in 0..<grid.columns {
                let cell = grid[row, column]
                guard !cell.isTail, before?[row, column] != cell else { continue }
                put(cell, row, column)
            }
        }
        dtm_curses_refresh()
        shown = grid
    }

    private func put(_ cell: Cell, _ row: Int, _ column: Int) {
        let look = palette.appearance(cell.style)
        var flags: UInt32 = 0
        if look.isBold { flags |= UInt32(DTM_CURSES_BOLD) }
        if look.isDim { flags |= UInt32(DTM_CURSES_DIM) }
        if look.isUnderlined { flags |= UInt32(DTM_CURSES_UNDERLINE) }
        if look.isReversed { flags |= UInt32(DTM_CURSES_REVERSE) }
        var text = printable(cell)
        dtm_curses_put(CInt(row), CInt(column), &text, flags, pair(of: cell.style))
    }

    /// What the C library can't show in as many columns as we count is a question mark there.
    private func printable(_ cell: Cell) -> [wchar_t] {
        let base = wchar_t(cell.scalar)
        if cell.scalar < 0x7f {
            return cell.marks.0 == 0 ? [base, 0] : [base, wchar_t(cell.marks.0), wchar_t(cell.marks.1), 0]
        }
        let width = Unicode.Scalar(cell.scalar).map { columnsTaken(by: $0) } ?? 1
        guard Int(dtm_curses_width(base)) == width else { return [wchar_t(0x3f), 0] }
        return [base, wchar_t(cell.marks.0), wchar_t(cell.marks.1), 0]
    }

    // MARK: Colours

    /// Each role has a pair, and another for what is selected.
    private func pair(of style: Style) -> CInt {
        guard palette.depth != .none else { return 0 }
        return CInt(style.role.rawValue) + 1 + (style.isSelected ? CInt(Role.allCases.count) : 0)
    }

    private func definePairs() {
        guard palette.depth != .none else { return }
        for role in Role.allCases {
            for isSelected in [false, true] {
                let style = Style(role, isSelected: isSelected)
                let look = palette.appearance(style)
                dtm_curses_set_pair(pair(of: style), CInt(look.foreground), CInt(look.background))
            }
        }
    }

    // MARK: Keys

    /// Nil when none was pressed. Does not wait.
    func nextKey() -> Key? {
        var value: UInt32 = 0
        switch dtm_curses_next(&value) {
        case DTM_CURSES_NONE: return nil
        case DTM_CURSES_CHARACTER: return Self.key(value)
        case DTM_CURSES_UP: return .up
        case DTM_CURSES_DOWN: return .down
        case DTM_CURSES_LEFT: return .left
        case DTM_CURSES_RIGHT: return .right
        case DTM_CURSES_PAGE_UP: return .pageUp
        case DTM_CURSES_PAGE_DOWN: return .pageDown
        case DTM_CURSES_HOME: return .home
        case DTM_CURSES_END: return .end
        case DTM_CURSES_ENTER: return .enter
        case DTM_CURSES_BACKSPACE: return .backspace
        case DTM_CURSES_DELETE: return .delete
        case DTM_CURSES_BACK_TAB: return .backTab
        case DTM_CURSES_WHEEL_UP: return .wheelUp(row: Int(value))
        case DTM_CURSES_WHEEL_DOWN: return .wheelDown(row: Int(value))
        case DTM_CURSES_CLICK: return .click(row: Int(value))
        default: return .other
        }
    }

    private static func key(_ value: UInt32) -> Key {
        switch value {
        case 0x0d, 0x0a: return .enter
        case 0x1b: return .escape
        case 0x09: return .tab
        case 0x08, 0x7f: return .backspace
        case 0x01...0x1a:
            // Control with a letter is its number in the alphabet.
            return Unicode.Scalar(value + 0x60).map { .control(Character($0)) } ?? .other
        case 0..<0x20, 0x80..<0xa0: return .other
        default: return Unicode.Scalar(value).map { .character(Character($0)) } ?? .other
        }
    }
}
