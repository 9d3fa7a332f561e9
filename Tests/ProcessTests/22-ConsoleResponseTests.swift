import DTMAPI
import DTMCore
import Testing

extension BuiltProgram {
    /// What is decided about responses and seen of the analyst on a real terminal.
    @Suite("22 responses and analysis in the console")
    struct ConsoleResponses {
        /// Everything waits for a person.
        private static let configuration = #"{"response": {"mode": "observe", "climbSeconds": 1}}"#

        private func list(_ manager: Manager) throws -> ResponseList {
            try manager.dtm("respond", "list", "--json").decode(ResponseList.self)
        }

        private func terminal(_ manager: Manager, _ arguments: String...) throws -> Terminal {
            let terminal = try Terminal(
                [try BuiltProgram.path(), "ui", "--home", manager.home] + arguments, in: manager.directory,
                columns: 140, rows: 40)
            try terminal.wait("the tunnel") { $0.contains("1 tunnel") && $0.isAlternate }
            return terminal
        }

        @Test(
            "A proposal is approved, what is in force is undone with the operator's passphrase, and all is stopped and resumed",
            .enabled(if: OtherUser.nobody != nil, "only root can become the attacker"))
        func responses() throws {
            let sealed = try SealedHome()
            try sealed.directory.write("home/config.json", Self.configuration)
            let manager = try Manager(existing: sealed.directory, home: sealed.home, unlock: sealed.passphraseFile)
            let redis = try RedisServer(in: manager.directory)
            try manager.protect(redis.target, name: "cache", "--interval", "3600")
            let prober = try DecoyProber(in: manager, as: try #require(OtherUser.nobody))
            let proposal = try awaited("nothing was proposed", within: .seconds(60)) {
                if let found = try list(manager).pending.first(where: { $0.rung == "raise-decoys" }) { return found }
                try prober.touchDecoy(of: "cache", manager)
                return nil
            }
            let terminal = try terminal(manager)
            try terminal.press("3")
            try terminal.type("/\(proposal.id) raise-decoys")
            try terminal.press("Enter")
            try terminal.wait("the proposal alone") { $0.contains("waits: raise-decoys") }
            try terminal.press("a")
            try terminal.wait("the question") { $0.contains("Have it done?") && $0.contains("Leave it waiting") }
            try terminal.press("Enter")
            try terminal.wait("that it waits") { !$0.contains("Have it done?") && $0.contains("waits: raise-decoys") }
            try terminal.press("a", "2")
            try terminal.wait("that it is in force") { $0.contains("in force: raise-decoys") }
            #expect(try list(manager).active.map(\.id) == [proposal.id])

            try terminal.press("u", "2")
            try terminal.wait("the passphrase's question") {
                !$0.isAlternate && $0.contains("The operator's passphrase")
            }
            try terminal.enter(SealedHome.passphrase)
            try terminal.wait("that it is over") {
                $0.isAlternate && $0.contains("raise-decoys of") && $0.contains("is undone")
            }
            #expect(try list(manager).active.isEmpty)
            #expect(!(try terminal.history().contains(SealedHome.passphrase)))

            try terminal.press("X", "2")
            try terminal.wait("the passphrase's question") {
                !$0.isAlternate && $0.contains("The operator's passphrase")
            }
            try terminal.enter(SealedHome.passphrase)
            try terminal.wait("that all are stopped") { $0.isAlternate && $0.contains("responses are stopped") }
            #expect(try list(manager).stopped)
            try terminal.press("X", "2")
            try terminal.wait("that they act again") { $0.contains("responses act again") }
            #expect(try !list(manager).stopped)
            let kinds = try manager.events().map(\.kind)
            for kind in [
                Event.Kind.responseApproved, Event.Kind.responseUndone, Event.Kind.responsesStopped,
                Event.Kind.responsesResumed,
            ] { #expect(kinds.contains(kind), "\(kind)") }
        }

        @Test(
            "P shows what the analyst knows of a process and its tunnel, anew while it is open, and in short in details"
        )
        func analysis() throws {
            let manager = try Manager(#"{"analysis": {"enabled": false}}"#)
            let redis = try RedisServer(in: manager.directory)
            try manager.protect(redis.target, name: "cache")
            let terminal = try self.terminal(manager, "--read-only")
            _ = try awaited("the analyst does not know it") {
                try manager.dtm("analyze", "\(redis.program.pid)", "--json").status == 0 ? true : nil
            }
            try terminal.press("P", "C-u")
            try terminal.type("\(redis.program.pid)")
            try terminal.press("Enter")
            try terminal.wait("that nothing is learnt") {
                $0.contains("verdict") && $0.contains("application redis-server") && $0.contains("Analysis is off")
            }
            let switching = try self.terminal(manager)
            try switching.press("A")
            try switching.wait("that it is on") { $0.contains("analysis is on") && $0.contains("analysis on") }
            let screen = try terminal.wait("its analysis", within: .seconds(60)) {
                !$0.contains("Analysis is off") && $0.contains("tunnel cache") && $0.contains("LAST 2 MIN")
            }
            #expect(screen.contains("of 100") && screen.contains("\(redis.program.pid)"), "\(screen)")
            let connection = try Connection(manager, to: "cache")
            let socket = try connection.socket()
            try socket.ping()
            try terminal.wait("the connection, without a key", within: .seconds(30)) { screen in
                screen.lines.contains { $0.contains("active") && $0.contains("1.0") }
            }
            try terminal.press("Escape", "2", "Enter")
            try terminal.wait("the same in short") { screen in
                // What is below grows when it comes.
                try terminal.press("End")
                return screen.contains("Findings and analysis") && screen.contains("P and Enter show all of it")
            }
        }
    }
}
