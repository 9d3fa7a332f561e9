import ArgumentParser
import DTMAPI
import DTMCore
import DTMText

struct AppsCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "apps",
        abstract: "List the applications on this machine, where they listen and how they are protected.",
        discussion: """
            With a name or a PID, one application is shown in full: its processes, where it listens, and whom it is \
            connected to. With --json, all processes are listed, with their connections. Other users' applications are \
            shown to who may steer the manager. A ? stands for what the manager has no right to see.
            """)

    @Argument(help: ArgumentHelp("Show this application, or this process, in full.", valueName: "name|pid"))
    var subject: String?

    @Flag(help: "List the processes without sockets too.")
    var all = false

    @Option(help: "Order by this. Default: what listens first, then by cpu, memory and name.")
    var sort: AppOrder?

    @Option(
        defaultAsFlag: WatchInterval.usual, parsing: .next,
        help: ArgumentHelp(
            "Look again every so many seconds, 2 unless said, until q or Ctrl-C. A manager that restarts is waited for, up to 10 seconds.",
            valueName: "seconds"),
        transform: { WatchInterval(text: $0) })
    var watch: WatchInterval?

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let page = AppsPage(subject: subject, all: all, order: sort, suffix: manager.suffix, hints: watch == nil)
        let list = try await client.apps()
        let selected = try page.select(list)
        guard let watch else {
            return try print(selected, output) { page.text(list, selected, $0, now: WallClock().now()).lines() }
        }
        let display = AppsDisplay(page: page, isJSON: manager.json, seconds: watch.seconds)
        let loop = WatchLoop(interval: .seconds(watch.seconds))
        guard !manager.json, TerminalScreen.isAvailable() else {
            return try await loop.run(list, ask: client.apps) { try display.append($0, $1, output) }
        }
        try await onScreen(loop, list, display, client, output)
    }

    private func onScreen(
        _ loop: WatchLoop, _ list: AppList, _ display: AppsDisplay, _ client: ControlClient, _ output: Output
    ) async throws {
        var loop = loop
        loop.pause = TerminalScreen.pause
        try TerminalScreen.begin(output)
        defer { TerminalScreen.end(output) }
        try await loop.run(list, ask: client.apps) { try display.draw($0, $1) }
    }
}

extension AppsCommand {
    mutating func validate() throws {
        guard let watch, !WatchInterval.allowed.contains(watch.seconds) else { return }
        let text = shown(watch.text)
        // What stands behind the option is taken for its value.
        let isName = watch.seconds.isNaN && text.first?.isLetter == true
        let hint = isName ? "; a name comes before it: dtm apps \(text) --watch" : ""
        throw ValidationError("--watch takes 0.25 to 3600 seconds, and not \(text)\(hint)")
    }
}

/// The value of `--watch` as it was typed: the parser takes the option for a flag when reading its value throws.
struct WatchInterval: Hashable, Sendable, CustomStringConvertible {
    static let usual = Self(text: "2")
    /// The shortest and the longest pause between two looks, in seconds.
    static let allowed = 0.25...3_600.0

    let text: String
    /// Not a number when the text is none.
    let seconds: Double

    init(text: String) {
        self.text = text
        seconds = Double(text) ?? .nan
    }

    var description: String { text }
}
