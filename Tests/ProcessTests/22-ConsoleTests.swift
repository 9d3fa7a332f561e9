import DTMAPI
import Glibc
import Testing

extension BuiltProgram {
    /// The console on a real terminal: every key, every size, every way to end.
    @Suite("22 the console")
    struct ConsoleOnTerminal {
        let manager: Manager
        let redis: RedisServer

        init() throws {
            manager = try Manager()
            redis = try RedisServer(in: manager.directory)
        }

        private func terminal(
            _ arguments: String..., columns: Int = 120, rows: Int = 30, environment: [String: String] = [:],
            term: String = "tmux-256color"
        ) throws -> Terminal {
            let terminal = try Terminal(
                [try BuiltProgram.path(), "ui", "--home", manager.home] + arguments, in: manager.directory,
                columns: columns, rows: rows, environment: environment, term: term)
            try terminal.wait("the list") { $0.contains("redis-server") && $0.isAlternate }
            return terminal
        }

        private func shell(columns: Int = 120, rows: Int = 30) throws -> Terminal {
            let terminal = try Terminal(
                in: manager.directory, columns: columns, rows: rows, environment: ["DTM_HOME": manager.home])
            try terminal.wait("a prompt") { $0.contains("$") }
            return terminal
        }

        /// Leaves the server alone in the list.
        private func pickRedis(_ terminal: Terminal) throws {
            try terminal.type("/redis-server")
            try terminal.press("Enter")
            try terminal.wait("the server alone") { $0.contains("filter redis-server") }
        }

        @Test("p protects the selected application, r and R rotate its tunnel, p again asks and removes it")
        func steering() throws {
            let terminal = try terminal()
            try pickRedis(terminal)
            try terminal.press("p")
            try terminal.wait("what to do next") { $0.contains("is behind a tunnel") && $0.contains("dtm connect") }
            let name = try #require(try manager.tunnelNames().first)
            try terminal.press("Enter")
            let tunnel = try manager.tunnel(name)
            try terminal.wait("its endpoint") { screen in
                screen.contains("fronted")
                    && screen.lines.contains { $0.contains("redis-server") && $0.contains("127.") }
            }
            try terminal.press("r")
            try terminal.wait("the rotation") { $0.contains("\(name) rotated") }
            #expect(try manager.tunnel(name).generation > tunnel.generation)
            try terminal.press("R")
            let isRotated = try eventually { try manager.tunnel(name).generation > tunnel.generation + 1 }
            #expect(isRotated)
            try terminal.press("p")
            try terminal.wait("the question") { $0.contains("Remove the tunnel") && $0.contains("Keep it") }
            try terminal.press("Escape")
            try terminal.wait("the list again") { !$0.contains("Keep it") }
            #expect(try manager.tunnelNames() == [name])
            try terminal.press("p", "2")
            try terminal.wait("that it is gone") { $0.contains("is gone") }
            #expect(try manager.tunnelNames().isEmpty)
        }

        @Test("T and A switch, and everybody sees it")
        func switches() throws {
            let first = try terminal()
            let second = try terminal(columns: 80, rows: 24)
            try first.press("T")
            try first.wait("that it is on") { $0.contains("auto-tunnel on") }
            try second.wait("the same") { $0.contains("auto-tunnel on") }
            #expect(try manager.status().autoTunnel)
            try first.press("A")
            try first.wait("that it is off") { $0.contains("analysis off") }
            #expect(try !manager.status().analysis)
            try first.press("T", "A")
            try first.wait("that they are as before") { $0.contains("auto-tunnel off") && $0.contains("analysis on") }
            try first.press("q")
            try first.wait("its end") { $0.hasEnded }
            // Quitting one stops nothing else.
            try second.press("?")
            try second.wait("its help") { $0.contains("Keys") }
            #expect(try manager.status().pid == manager.launcher.pid)
        }

        @Test("Every screen is reached by Tab and by its number, and details by Enter")
        func screens() throws {
            try manager.protect(redis.target, name: "cache")
            let terminal = try terminal()
            let marks = [
                "redis-server", "cache", "risk of this machine", "Memory for secrets", "manager.started", "Processor",
            ]
            for (index, mark) in marks.enumerated() {
                try terminal.press("\(index + 1)")
                try terminal.wait("screen \(index + 1)") { $0.contains(mark) }
            }
            try terminal.press("Tab")
            try terminal.wait("the first again") { $0.contains("LISTENS AT") }
            try terminal.press("BTab")
            try terminal.wait("the last again") { $0.contains("Processor") }
            try terminal.press("2", "Enter")
            try terminal.wait("the details") { $0.contains("Certificate") && $0.contains("redis-server") }
            try terminal.press("PageDown")
            try terminal.wait("what is below") { $0.contains("Rotations") }
            try terminal.press("Escape")
            try terminal.wait("the list") { $0.contains("ENDPOINT") && !$0.contains("Certificate ") }
            try terminal.press("4")
            try terminal.wait("the doctor") { $0.contains("Doctor") && !$0.contains("Being asked for") }
            try terminal.press("5", "Space")
            try terminal.wait("that it is paused") { $0.contains("PAUSED") }
            try terminal.press("Space", "?")
            try terminal.wait("the help") { $0.contains("protect the selected application") || $0.contains("Move") }
            try terminal.press("Escape", "1", "P")
            try terminal.wait("the question") { $0.contains("Analyse which process?") }
            try terminal.press("C-u")
            try terminal.type("\(redis.program.pid)")
            try terminal.press("Enter")
            try terminal.wait("its analysis") {
                $0.contains("analysis of \(redis.program.pid)") && $0.contains("verdict")
            }
        }

        @Test("The list is moved through, sorted, reversed, filtered and extended")
        func list() throws {
            let terminal = try terminal()
            try terminal.press("v")
            try terminal.wait("all processes") { $0.contains("fewer") || $0.contains("tmux") }
            try terminal.press("s")
            try terminal.wait("the order") { $0.contains("sorted by name") }
            try terminal.press("S")
            try terminal.wait("it reversed") { $0.contains("sorted by name, reversed") }
            try terminal.press("s")
            try terminal.wait("the next order") { $0.contains("sorted by PID") }
            try terminal.press("Home")
            try terminal.wait("the first of all") { $0.lines.firstIndex { $0.hasPrefix("▶") } == 3 }
            try terminal.press("Down", "j", "Up", "Down")
            try terminal.wait("the selection to move") { screen in
                screen.lines.firstIndex { $0.hasPrefix("▶") } == 5
            }
            try terminal.press("End", "Home")
            try terminal.wait("the first") { screen in screen.lines.firstIndex { $0.hasPrefix("▶") } == 3 }
            try terminal.type("/nothing like this")
            try terminal.wait("that nothing matches") { $0.contains("Nothing matches") }
            try terminal.press("Escape")
            try terminal.wait("all again") { $0.contains("sorted by PID") && !$0.contains("Nothing matches") }
        }

        @Test(
            "What lowers protection of a sealed manager is asked for outside of the screen, and nothing happens without it"
        )
        func passphrase() throws {
            let home = try SealedHome()
            let sealed = try Manager(existing: home.directory, home: home.home, unlock: home.passphraseFile)
            let redis = try RedisServer(in: sealed.directory)
            try sealed.protect(redis.target, name: "cache")
            let terminal = try Terminal(
                [try BuiltProgram.path(), "ui", "--home", sealed.home], in: sealed.directory, columns: 120, rows: 30)
            try terminal.wait("the tunnel") { $0.contains("1 tunnel") && $0.contains("fronted") }
            try terminal.press("2", "p", "2")
            try terminal.wait("the question") { !$0.isAlternate && $0.contains("The operator's passphrase") }
            try terminal.press("Enter")
            try terminal.wait("that nothing was changed") { $0.isAlternate && $0.contains("nothing was changed") }
            // A terminal of another size is no key: what is to be read stays.
            try terminal.resize(columns: 110, rows: 28)
            try terminal.wait("it still") { $0.lines.count == 28 && $0.contains("nothing was changed") }
            #expect(try sealed.tunnelNames() == ["cache"])
            try terminal.press("p", "2")
            try terminal.wait("the question") { !$0.isAlternate && $0.contains("The operator's passphrase") }
            try terminal.enter(SealedHome.passphrase)
            try terminal.wait("that it is gone") { $0.isAlternate && $0.contains("the tunnel cache is gone") }
            #expect(!(try terminal.history().contains(SealedHome.passphrase)))
            #expect(try sealed.tunnelNames().isEmpty)
        }

        @Test("It follows the terminal's size, and says when that is too small")
        func resized() throws {
            let terminal = try terminal(columns: 80, rows: 24)
            try terminal.resize(columns: 140, rows: 40)
            try terminal.wait("the wide list") { screen in
                screen.contains("BYTES/S") && screen.lines.count == 40 && screen.lines.last?.contains("Q quit") == true
            }
            try terminal.resize(columns: 50, rows: 10)
            try terminal.wait("that it is too small") { $0.contains("needs 60 columns and 15 rows") }
            try terminal.resize(columns: 60, rows: 15)
            try terminal.wait("the small list") {
                $0.contains("redis-server") && $0.lines.last?.contains("Q quit") == true
            }
        }

        @Test("Ctrl-Z gives the shell its terminal back as it was, and fg the console")
        func suspended() throws {
            let terminal = try shell()
            try terminal.enter("stty -a >before; \(try BuiltProgram.path()) ui")
            try terminal.wait("the console") { $0.isAlternate && $0.contains("redis-server") }
            try terminal.press("C-z")
            let screen = try terminal.wait("the shell") { !$0.isAlternate && $0.contains("Stopped") }
            #expect(screen.showsCursor)
            try terminal.enter("stty -a >during; cmp before during && echo the same")
            try terminal.wait("the same settings") { $0.lines.contains("the same") }
            try terminal.enter("fg")
            try terminal.wait("the console again") { $0.isAlternate && $0.contains("redis-server") && !$0.showsCursor }
            try terminal.press("q")
            try terminal.wait("the shell") { !$0.isAlternate && $0.showsCursor && $0.program == "bash" }
        }

        @Test(
            "However it ends, the terminal is as it was",
            arguments: [SIGTERM, SIGHUP, SIGINT, SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE])
        func ended(by number: CInt) throws {
            let terminal = try shell()
            try terminal.enter("stty -a >before; \(try BuiltProgram.path()) ui; echo \"ended with $?\"")
            try terminal.wait("the console") { $0.isAlternate && $0.contains("redis-server") }
            let shell = try #require(try terminal.pid())
            let console = try #require(Self.child(of: shell, in: manager.directory))
            kill(console, number)
            let screen = try terminal.wait("its end") { $0.contains("ended with \(128 + number)") }
            #expect(!screen.isAlternate && screen.showsCursor, "\(screen)")
            try terminal.enter("stty -a >after; cmp before after && echo the same")
            try terminal.wait("the same settings") { $0.lines.contains("the same") }
        }

        /// The console that a shell has started.
        private static func child(of shell: pid_t, in directory: TestDirectory) -> pid_t? {
            let children = text(of: "/proc/\(shell)/task/\(shell)/children").split(separator: " ").compactMap {
                pid_t($0)
            }
            return children.first { text(of: "/proc/\($0)/comm").hasPrefix("dtm-ui") }
        }

        @Test("A manager that goes away is shown as such, and the console comes back with it")
        func away() throws {
            let terminal = try terminal()
            manager.launcher.signal(SIGTERM)
            try terminal.wait("that it is away") { $0.contains("the manager is away") }
            try terminal.press("T")
            try terminal.wait("why nothing is done") { $0.contains("comes back with it by itself") }
            try manager.restart()
            try terminal.wait("that it is back") { !$0.contains("the manager is away") && $0.contains("up ") }
            try terminal.press("T")
            try terminal.wait("that it obeys") { $0.contains("auto-tunnel on") }
        }

        @Test("Read-only changes nothing and says so")
        func readOnly() throws {
            try manager.protect(redis.target, name: "cache")
            let terminal = try terminal("--read-only")
            let footer = try terminal.screen().lines.last ?? ""
            #expect(!footer.contains("auto-tunnel") && !footer.contains("protect"), "\(footer)")
            for key in ["p", "r", "R", "T", "A", "X"] {
                try terminal.press(key)
                try terminal.wait("the refusal of \(key)") { $0.contains("read-only") }
                try terminal.press("Up")
                try terminal.wait("that it is gone") { !$0.contains("this console is read-only") }
            }
            #expect(try manager.tunnel("cache").generation == 0)
            #expect(!(try manager.status().autoTunnel))
        }

        @Test("Without colours nothing is coloured, and the selection is still seen")
        func plain() throws {
            let terminal = try terminal(environment: ["NO_COLOR": "1"])
            let text = try terminal.colouredText()
            #expect(!Self.isColoured(text), "\(text)")
            #expect(text.contains("\u{1b}[7m") || text.contains(";7m"))
            #expect(Self.isColoured(try self.terminal().colouredText()))
        }

        private static func isColoured(_ text: String) -> Bool {
            (["38;5;", "48;5;"] + (30...37).map { "\u{1b}[\($0)m" }).contains { text.contains($0) }
        }

        @Test(
            "A terminal without more than ASCII, and the Linux console, get ASCII",
            arguments: ["linux", "--ascii", "C"])
        func ascii(how: String) throws {
            let environment = how == "C" ? ["LC_ALL": "C"] : [:]
            let terminal = try Terminal(
                [try BuiltProgram.path(), "ui", "--home", manager.home] + (how == "--ascii" ? ["--ascii"] : []),
                in: manager.directory, columns: 120, rows: 30, environment: environment,
                term: how == "linux" ? "linux" : "tmux-256color")
            let screen = try terminal.wait("the list") { $0.contains("redis-server") }
            #expect(screen.text.utf8.allSatisfy { $0 < 0x80 }, "\(screen)")
        }

        @Test("Names that are meant to do harm are shown and do none")
        func hostileNames() throws {
            let name = "e\u{1b}]0;x\u{7}\u{202e}il"
            let path = manager.directory.file(name)
            try #require(try run("cp", ["/bin/sleep", path], in: manager.directory).status == 0)
            let program = try ChildProgram(
                .init(
                    program: path, arguments: ["600"], environment: basicEnvironment, directory: manager.directory.path)
            )
            defer { program.signal(SIGKILL) }
            let terminal = try terminal()
            try terminal.press("v")
            try terminal.type("/\(program.pid)")
            try terminal.press("Enter")
            let screen = try terminal.wait("the process alone") { $0.contains("il  ") && $0.contains("\(program.pid)") }
            let harmful = screen.text.unicodeScalars.filter { $0.value < 0x20 && $0 != "\n" || $0 == "\u{202e}" }
            #expect(harmful.isEmpty, "\(screen)")
            try terminal.press("Enter")
            try terminal.wait("its details") { $0.contains("Process") && $0.contains("executable") }
        }

        @Test("Where no console can be, it says why and what to do, and leaves the terminal alone")
        func refused() throws {
            let shell = try shell()
            let program = try BuiltProgram.path()
            try shell.enter("TERM=no-such-terminal \(program) ui; echo \"ended with $?\"")
            try shell.wait("why") { $0.contains("no-such-terminal") && $0.contains("ended with 1") && !$0.isAlternate }
            try shell.enter("clear; \(program) ui </dev/null; echo \"ended with $?\"")
            try shell.wait("why") { $0.contains("needs a terminal") && $0.contains("ended with 1") }
            try shell.enter("clear; \(program) ui --home /nonexistent; echo \"ended with $?\"")
            try shell.wait("why") { $0.contains("no manager is running") && $0.contains("ended with 69") }
        }
    }

    /// The console that `dtm up` shows.
    @Suite("22 the console of dtm up")
    struct ConsoleOfUp {
        private let directory: TestDirectory
        private let redis: RedisServer
        private let terminal: Terminal

        init() throws {
            directory = try TestDirectory()
            redis = try RedisServer(in: directory)
            terminal = try Terminal(
                in: directory, columns: 120, rows: 30, environment: ["DTM_HOME": directory.file("home")])
            try terminal.enter("\(try BuiltProgram.path()) up; echo \"ended with $?\"")
            try terminal.wait("the console") { $0.isAlternate && $0.contains("redis-server") }
        }

        private func dtm(_ arguments: String...) throws -> Outcome {
            try run(
                try BuiltProgram.path(), arguments, in: directory,
                environment: basicEnvironment.merging(["DTM_HOME": directory.file("home")]) { $1 })
        }

        @Test("Q ends a manager without tunnels at once")
        func quit() throws {
            try terminal.press("q")
            let screen = try terminal.wait("the end") { $0.contains("ended with 0") }
            #expect(!screen.isAlternate && screen.showsCursor)
            #expect(try dtm("status").status == 69)
        }

        @Test("With a tunnel Q asks: the manager may go on without its console, and Ctrl-C ends it then")
        func leave() throws {
            try #require(try dtm("protect", redis.target, "--name", "cache").status == 0)
            try terminal.wait("the tunnel") { $0.contains("1 tunnel") }
            try terminal.press("q")
            try terminal.wait("the question") { $0.contains("let the manager go on") }
            try terminal.press("Enter")
            let screen = try terminal.wait("that it goes on") { $0.contains("goes on without its console") }
            #expect(!screen.isAlternate && screen.showsCursor)
            #expect(try dtm("status").status != 69)
            try terminal.press("C-c")
            try terminal.wait("the end") { $0.contains("ended with 0") }
        }

        @Test(
            "A console that is killed leaves a sane terminal and a manager that goes on", arguments: [SIGKILL, SIGSEGV])
        func killed(by number: CInt) throws {
            let pid = try #require(
                try dtm("apps", "--all", "--json").decode(AppList.self).apps.first { $0.name == "dtm-ui" }?.pid)
            kill(pid, number)
            let screen = try terminal.wait("what became of it") {
                !$0.isAlternate && $0.contains("the manager goes on")
            }
            #expect(screen.showsCursor)
            #expect(try dtm("status").status != 69)
            try terminal.press("C-c")
            try terminal.wait("the end") { $0.contains("ended with 0") }
            try terminal.enter("stty -a | grep -c -- '-echo\\b'")
            try terminal.wait("that typing is shown") { $0.lines.suffix(2).contains("0") }
        }

        @Test("SIGTERM ends both, and the terminal is as it was")
        func terminated() throws {
            let pid = try #require(try dtm("status", "--json").decode(StatusReport.self).pid as pid_t?)
            kill(pid, SIGTERM)
            let screen = try terminal.wait("the end") { $0.contains("ended with 0") }
            #expect(!screen.isAlternate && screen.showsCursor)
        }

        @Test("Ctrl-Z stops the console and gives the shell its prompt while tunnels are served; fg comes back")
        func suspended() throws {
            try #require(try dtm("protect", redis.target, "--name", "cache").status == 0)
            try terminal.press("C-z")
            let screen = try terminal.wait("the shell") { !$0.isAlternate && $0.contains("Stopped") }
            #expect(screen.showsCursor)
            #expect(try dtm("rotate", "cache").status == 0)
            try terminal.enter("fg")
            try terminal.wait("the console") {
                $0.isAlternate && $0.contains("redis-server") && $0.contains("1 tunnel")
            }
            try terminal.press("q", "2")
            try terminal.wait("the end") { $0.program == "bash" && !$0.isAlternate }
        }

        @Test("When control is killed the console stays and comes back with the new one")
        func controlKilled() throws {
            let report = try dtm("status", "--json").decode(StatusReport.self)
            let control = try #require(report.processes.first { $0.role == "control" }?.pid)
            kill(control, SIGKILL)
            let isBack = try eventually(.seconds(20)) {
                let outcome = try dtm("status", "--json")
                guard outcome.status != 69, let report = try? outcome.decode(StatusReport.self) else { return false }
                return report.processes.contains { $0.role == "control" && $0.pid != control }
            }
            #expect(isBack)
            // Until it has the new one, it says that there is none.
            let obeys = try eventually(.seconds(20)) {
                try terminal.press("R")
                return try terminal.screen().contains("there is no tunnel to rotate")
            }
            #expect(try obeys && terminal.screen().isAlternate)
        }
    }
}
