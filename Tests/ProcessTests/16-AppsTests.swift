import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// What `dtm apps` shows, once and again and again.
    @Suite("16 dtm apps")
    struct Apps {
        let manager: Manager
        let redis: RedisServer

        init() throws {
            manager = try Manager()
            redis = try RedisServer(in: manager.directory)
            try manager.protect(redis.target, name: "cache")
        }

        @Test("What listens is shown with its tunnel")
        func table() throws {
            let outcome = try manager.dtm("apps")
            #expect(outcome.status == 0)
            let row = outcome.output.split(separator: "\n").first { $0.contains("\(redis.program.pid) ") }
            #expect(row?.contains("fronted") == true && row?.contains("cache") == true, "\(outcome.output)")
            #expect(row?.contains(redis.target) == true, "\(outcome.output)")
        }

        @Test("An application is shown by its name, a process by its number, and scripts get the same rows")
        func one() throws {
            let words = try manager.dtm("apps", "\(redis.program.pid)").output
            for part in ["executable", "fronted by the tunnel cache", redis.target, "redis-server, pid"] {
                #expect(words.contains(part), "\(part): \(words)")
            }
            let list = try manager.dtm("apps", "\(redis.program.pid)", "--json").decode(AppList.self)
            #expect(list.apps.map(\.pid) == [redis.program.pid])
            let app = try #require(list.apps.first)
            #expect(app.arguments?.contains("redis-server") == true)
            #expect(app.parent == getpid() && app.descriptors ?? 0 > 3)
            #expect(app.listeners.first?.tunnel == "cache" && app.listeners.first?.tier == "fronted")
            let named = try manager.dtm("apps", app.application, "--json").decode(AppList.self)
            #expect(named.apps.contains { $0.pid == app.pid })
            #expect(Set(named.apps.map(\.application)) == [app.application])
        }

        @Test("Bad input is a clear error")
        func badInput() throws {
            let unknown = try manager.dtm("apps", "redis-servre", "--json")
            #expect(unknown.status == 1 && unknown.output == "")
            #expect(try unknown.failure().error.code == "subject.unknown")
            #expect(try unknown.failure().error.hint?.contains("dtm apps redis-server") == true)
            let gone = try manager.dtm("apps", "4194305", "--json")
            #expect(gone.status == 1)
            #expect(try gone.failure().error.code == "pid.unknown")
            let never = try manager.dtm("apps", "--watch=0.1")
            #expect(never.status == 64 && never.errors.contains("0.25 to 3600"), "\(never)")
        }

        @Test("--watch --json prints an object a line, and goes on when the manager was started anew")
        func watch() throws {
            let follower = try manager.start("apps", "redis-server", "--json", "--watch=0.25")
            func looks() -> Int { follower.output.utf8.count { $0 == UInt8(ascii: "\n") } }
            try #require(eventually { looks() >= 2 }, "\(follower.errors)")
            #expect(manager.stop() == .exited(0))
            let seen = looks()
            try manager.restart()
            #expect(eventually { looks() >= seen + 2 }, "\(follower.errors)")
            #expect(follower.errors == "")
            for line in follower.output.split(separator: "\n").prefix(looks()) {
                let list = try APIJSON.decode(AppList.self, from: line.utf8)
                #expect(list.apps.contains { $0.pid == redis.program.pid })
            }
            follower.signal(SIGINT)
            #expect(follower.wait() == .signalled(SIGINT))
        }

        @Test("On a terminal it draws a screen of its own, and puts back what was there", arguments: ["q", "\u{3}"])
        func terminal(key: String) throws {
            // script(1) gives it a terminal; what is typed at it comes from here.
            let command = "trap : INT; stty cols 80 rows 24; \(try BuiltProgram.path()) apps --watch=0.25; stty -a"
            let screen = try ChildProgram(
                .init(
                    program: "script", arguments: ["-q", "-e", "-f", "-c", command, "/dev/null"],
                    environment: basicEnvironment.merging(["DTM_HOME": manager.home, "TERM": "xterm"]) { $1 },
                    directory: manager.directory.path, hasInput: true))
            let draws = eventually { screen.output.contains("q ends it") && screen.output.contains(redis.target) }
            try #require(draws, "\(screen.output) \(screen.errors)")
            #expect(screen.output.contains("\u{1b}[?1049h"))
            #expect(!screen.output.contains("\u{1b}[?1049l"))
            screen.send(key)
            try #require(screen.wait() != nil, "\(screen.output)")
            #expect(screen.output.contains("\u{1b}[?1049l"))
            let rest = screen.output.split(separator: "\u{1b}[?1049l").last.map(String.init) ?? ""
            #expect(rest.contains(" icanon") && rest.contains(" echo "), "\(rest)")
            #expect(!rest.contains("-icanon") && !rest.contains("-echo "), "\(rest)")
        }
    }
}
