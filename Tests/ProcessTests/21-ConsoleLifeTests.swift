import Glibc
import Testing

extension BuiltProgram {
    @Suite("21 the manager on a terminal")
    struct ConsoleLife {
        /// A home of its own, for a manager that is typed into a shell.
        private func home() throws -> (directory: TestDirectory, up: String, environment: [String: String]) {
            let directory = try TestDirectory()
            let home = directory.file("home")
            return (directory, "\(try BuiltProgram.path()) up --no-ui", ["DTM_HOME": home])
        }

        @Test("The terminal of these tests shows what is printed, typed, coloured and resized")
        func driver() throws {
            let directory = try TestDirectory()
            let terminal = try Terminal(in: directory, columns: 60, rows: 12)
            try terminal.wait("a prompt") { $0.contains("$") && $0.program == "bash" }
            try terminal.enter(#"printf '\033[31mred\033[0m it is\n'; stty size"#)
            let screen = try terminal.wait("its size") { $0.lines.contains("12 60") }
            #expect(screen.lines.contains("red it is"))
            #expect(!screen.isAlternate && screen.showsCursor && !screen.hasEnded)
            #expect(try terminal.colouredText().contains("\u{1b}[31mred"))
            try terminal.resize(columns: 70, rows: 20)
            try terminal.enter("stty size")
            try terminal.wait("its new size") { $0.lines.contains("20 70") }
            try terminal.enter(#"printf '\033[?1049h\033[?25lelsewhere'; sleep 600"#)
            let other = try terminal.wait("the alternate screen") { $0.isAlternate && $0.contains("elsewhere") }
            #expect(!other.showsCursor && other.program == "sleep")
            try terminal.press("C-c")
            try terminal.enter(#"printf '\033[?25h\033[?1049l'; exit 0"#)
            let last = try terminal.wait("the shell's end") { $0.hasEnded }
            #expect(!last.isAlternate && last.contains("red it is"))
        }

        @Test("Without a console dtm up prints its banner, and Ctrl-C ends it")
        func withoutConsole() throws {
            let (directory, up, environment) = try home()
            let terminal = try Terminal(in: directory, columns: 160, rows: 60, environment: environment)
            try terminal.enter("\(up); echo \"ended with $?\"")
            let screen = try terminal.wait("the banner") { $0.contains("control socket") }
            #expect(!screen.isAlternate)
            try terminal.press("C-c")
            try terminal.wait("the end") { $0.contains("ended with 0") }
        }

        @Test("Without a console Ctrl-Z gives the shell its prompt, the manager serves on, and fg goes on")
        func suspended() throws {
            let (directory, up, environment) = try home()
            let terminal = try Terminal(in: directory, columns: 160, rows: 60, environment: environment)
            try terminal.enter("\(up) >up.out; echo \"ended with $?\"")
            let isUp = eventually(.seconds(20)) { text(of: directory.file("up.out")).contains("is up") }
            try #require(isUp)
            try terminal.press("C-z")
            try terminal.wait("that it is stopped") { $0.contains("Stopped") }
            // Control and the data plane have groups of their own.
            let status = try run(
                try BuiltProgram.path(), ["status"], in: directory,
                environment: basicEnvironment.merging(environment) { $1 })
            #expect(status.status == 0, "\(status.output) \(status.errors)")
            try terminal.enter("fg")
            try terminal.wait("that it is in the foreground") { $0.program == "dtm" }
            try terminal.press("C-c")
            _ = try terminal.wait("the end") { $0.program == "bash" }
            let isGone = eventually { access("\(directory.file("home"))/run/control.sock", F_OK) != 0 }
            #expect(isGone)
        }

        @Test("On a terminal that can't show a console there is none", arguments: ["dumb"])
        func dumb(term: String) throws {
            let (directory, up, environment) = try home()
            let terminal = try Terminal(in: directory, columns: 160, rows: 60, environment: environment)
            try terminal.enter("TERM=\(term) \(up.replacing(" --no-ui", with: "")); echo \"ended with $?\"")
            try terminal.wait("the banner") { $0.contains("control socket") }
            try terminal.press("C-c")
            try terminal.wait("the end") { $0.contains("ended with 0") }
        }
    }
}
