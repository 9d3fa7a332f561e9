import Glibc
import Testing

/// A terminal that a test looks at and types into: a tmux server of its own, with one window.
///
/// Its life: made with a command that runs in it → typed into, looked at → gone with this object, and whatever runs in it
/// with it. The window stays when its command has ended.
final class Terminal {
    /// What is to be seen.
    struct Screen: CustomStringConvertible {
        /// Without the empty ones at the end.
        let lines: [String]
        /// Whether it is the alternate screen.
        let isAlternate: Bool
        let showsCursor: Bool
        /// Whether the command has ended; its window stays.
        let hasEnded: Bool
        /// The name of the program in the foreground.
        let program: String

        var text: String { lines.joined(separator: "\n") }
        func contains(_ text: String) -> Bool { self.text.contains(text) }
        var description: String {
            "\(program)\(hasEnded ? " (ended)" : "")\(isAlternate ? ", alternate" : "")\(showsCursor ? "" : ", no cursor")\n\(text)"
        }
    }

    private let directory: TestDirectory
    private let socket: String
    /// What tmux itself and the programs in it know of their surroundings.
    private let environment: [String: String]

    /// - Parameters:
    ///   - command: What runs in it; a shell that says `$` when nil.
    ///   - term: `TERM` of what runs in it.
    init(
        _ command: [String]? = nil, in directory: TestDirectory, columns: Int = 80, rows: Int = 24,
        environment: [String: String] = [:], term: String = "tmux-256color",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        self.directory = directory
        socket = directory.file("tmux-\(UInt32.random(in: 1...999_999))")
        var all = basicEnvironment
        // tmux refuses what is not UTF-8.
        all["LC_ALL"] = "C.UTF-8"
        // Empty is as good as not set (no-color.org), and what is left out would come back.
        all["NO_COLOR"] = ""
        all["HOME"] = directory.path
        all.merge(environment) { $1 }
        all["TERM"] = term
        self.environment = all
        let settings = try directory.write(
            "tmux.conf",
            """
            set -g remain-on-exit on
            set -g default-terminal \(term)
            set -g status off
            set -g escape-time 0
            set -g history-limit 2000

            """)
        let whole = command ?? ["/bin/bash", "--norc", "--noprofile", "-i"]
        // The shell that tmux starts it with keeps PS1 to itself.
        let words = ["env", "TERM=\(term)", "PS1=$ "] + whole
        let outcome = try run(
            "tmux",
            ["-S", socket, "-f", settings, "new-session", "-d", "-s", "test", "-x", "\(columns)", "-y", "\(rows)"]
                + ["-c", directory.path, words.map(Self.quoted).joined(separator: " ")],
            in: directory, environment: all)
        try #require(outcome.status == 0, "tmux did not start: \(outcome.errors)", sourceLocation: sourceLocation)
    }

    deinit { _ = try? tmux("kill-server") }

    private static func quoted(_ word: String) -> String {
        "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    @discardableResult
    private func tmux(_ arguments: String...) throws -> Outcome {
        try run("tmux", ["-S", socket] + arguments, in: directory, environment: environment, limit: .seconds(10))
    }

    // MARK: Typing

    /// Presses keys by tmux's names, as `Enter`, `C-z`, `Up`, `q`.
    func press(_ keys: String...) throws {
        for key in keys { try tmux("send-keys", "-t", "test", key) }
    }

    /// Types text as it stands.
    func type(_ text: String) throws { try tmux("send-keys", "-t", "test", "-l", "--", text) }

    /// Types a line, as to a shell.
    func enter(_ line: String) throws {
        try type(line)
        try press("Enter")
    }

    func resize(columns: Int, rows: Int) throws {
        try tmux("resize-window", "-t", "test", "-x", "\(columns)", "-y", "\(rows)")
    }

    // MARK: Looking

    /// What is to be seen, as plain text. Facts and text are asked for one after the other, so that they are taken again when
    /// something changed between.
    func screen() throws -> Screen {
        var facts = try facts()
        var text = ""
        for _ in 1...5 {
            text = try tmux("capture-pane", "-p", "-t", "test").output
            let now = try self.facts()
            if now == facts { break }
            facts = now
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        while lines.last?.isEmpty ?? false { lines.removeLast() }
        return Screen(
            lines: lines, isAlternate: facts.first == "1", showsCursor: facts.dropFirst().first == "1",
            hasEnded: facts.dropFirst(2).first == "1", program: facts.count > 3 ? facts[3] : "")
    }

    private func facts() throws -> [String] {
        let format = "#{alternate_on} #{cursor_flag} #{pane_dead} #{pane_current_command}"
        let line = try tmux("display-message", "-p", "-t", "test", format).output.split(separator: "\n").first
        return line?.split(separator: " ", maxSplits: 3).map(String.init) ?? []
    }

    /// The same with the sequences that colour it.
    func colouredText() throws -> String { try tmux("capture-pane", "-p", "-e", "-t", "test").output }

    /// All that was printed, what has scrolled away included.
    func history() throws -> String { try tmux("capture-pane", "-p", "-S", "-", "-t", "test").output }

    /// The process that tmux started.
    func pid() throws -> pid_t? {
        pid_t(try tmux("display-message", "-p", "-t", "test", "#{pane_pid}").output.filter(\.isNumber))
    }

    /// Waits until the screen is as wanted.
    @discardableResult
    func wait(
        _ what: String, within limit: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation,
        until isWanted: (Screen) throws -> Bool
    ) throws -> Screen {
        var last: Screen?
        let isMet = try eventually(limit) {
            let screen = try screen()
            last = screen
            return try isWanted(screen)
        }
        let seen = try #require(last, sourceLocation: sourceLocation)
        try #require(isMet, "\(what) did not show within \(limit): \(seen)", sourceLocation: sourceLocation)
        return seen
    }
}
