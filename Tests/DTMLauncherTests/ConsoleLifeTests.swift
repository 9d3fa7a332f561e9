import Glibc
import Testing

@testable import DTMLauncher

@Suite struct ConsoleLifeTests {
    private static let pid: pid_t = 77
    private let now = ContinuousClock.now

    private func shown() -> ConsoleLife {
        var console = ConsoleLife(isWanted: true)
        _ = console.ready(isForeground: true)
        console.started(Self.pid)
        return console
    }

    private func exited(_ code: CInt) -> CInt { code << 8 }

    @Test func `A console that is not wanted is never started, and the manager ends at once`() {
        var console = ConsoleLife(isWanted: false)
        #expect(console.ready(isForeground: true) == [])
        #expect(console.beat(isForeground: true) == [])
        #expect(console.stop(at: now) == [.stopManager])
        #expect(!console.hasScreen && !console.wantsBeat)
    }

    @Test func `It starts once control serves, in the foreground alone, and only once`() {
        var console = ConsoleLife(isWanted: true)
        #expect(!console.wantsBeat)
        #expect(console.ready(isForeground: false) == [])
        #expect(console.wantsBeat)
        #expect(console.beat(isForeground: false) == [])
        #expect(console.beat(isForeground: true) == [.start])
        console.started(Self.pid)
        #expect(console.hasScreen && console.pid == Self.pid)
        // Control was started again.
        #expect(console.ready(isForeground: true) == [])
        #expect(console.ended(status: exited(3)).count == 3)
        #expect(console.ready(isForeground: true) == [])
    }

    @Test func `One that can't be started is done without`() {
        var console = ConsoleLife(isWanted: true)
        _ = console.ready(isForeground: true)
        console.failed()
        #expect(!console.hasScreen && !console.wantsBeat)
        #expect(console.stop(at: now) == [.stopManager])
    }

    @Test func `Its end with 0 ends the manager, with 3 leaves it running`() {
        var console = shown()
        #expect(console.ended(status: exited(0)) == [.takeBack(from: Self.pid, isTorn: false), .release, .stopManager])
        #expect(!console.hasScreen)
        console = shown()
        #expect(
            console.ended(status: exited(3)) == [
                .takeBack(from: Self.pid, isTorn: false), .release,
                .say("the manager goes on without its console (dtm ui shows it again, Ctrl-C ends it)"),
            ])
        #expect(console.stop(at: now) == [.stopManager])
    }

    @Test func `Any other end is told, and after a signal the screen is put right`() {
        var console = shown()
        let failed = console.ended(status: exited(64))
        #expect(failed.first == .takeBack(from: Self.pid, isTorn: false))
        #expect(
            failed.last
                == .complain(
                    "the console ended with status 64; the manager goes on (dtm ui shows it again, Ctrl-C ends it)"))
        console = shown()
        let killed = console.ended(status: SIGKILL)
        #expect(killed.first == .takeBack(from: Self.pid, isTorn: true))
        // A core was dumped.
        console = shown()
        #expect(console.ended(status: SIGSEGV | 0x80).first == .takeBack(from: Self.pid, isTorn: true))
        #expect(!killed.contains(.stopManager) && !failed.contains(.stopManager))
    }

    @Test func `Ctrl-Z stops both, and fg continues both`() {
        var console = shown()
        #expect(console.stopped(by: SIGSTOP) == [.takeBack(from: Self.pid, isTorn: false), .suspend])
        #expect(console.resumed(isForeground: true) == [.hand(Self.pid)])
        #expect(!console.wantsBeat)
        #expect(console.stopped(by: SIGSTOP).contains(.suspend))
        // bg: the manager goes on, and the console waits for the terminal.
        #expect(console.resumed(isForeground: false) == [])
        #expect(console.wantsBeat && console.hasScreen)
        #expect(console.stopped(by: SIGTTIN) == [])
        #expect(console.beat(isForeground: true) == [.hand(Self.pid)])
    }

    @Test func `A console from which somebody took the terminal waits for it, and the launcher goes on`() {
        var console = shown()
        #expect(console.stopped(by: SIGTTOU) == [])
        #expect(console.wantsBeat)
        #expect(console.beat(isForeground: true) == [.hand(Self.pid)])
    }

    @Test func `The manager's end ends the console first, by force if need be`() {
        var console = shown()
        #expect(console.stop(at: now) == [.signal(Self.pid, SIGTERM), .signal(Self.pid, SIGCONT)])
        #expect(console.deadline == now + ConsoleLife.patience)
        #expect(console.timePassed(at: now + .seconds(1)) == [])
        #expect(console.timePassed(at: now + .seconds(2)) == [.signal(Self.pid, SIGKILL)])
        #expect(console.ended(status: SIGKILL) == [.takeBack(from: Self.pid, isTorn: true), .release, .stopManager])
        #expect(console.deadline == nil)
    }

    @Test func `Being told twice ends the console at once, and the drain as well`() {
        var console = shown()
        _ = console.stop(at: now)
        #expect(console.stop(at: now) == [.signal(Self.pid, SIGKILL)])
        #expect(console.ended(status: SIGKILL).suffix(2) == [.stopManager, .stopManager])
    }

    @Test func `A manager that ends by itself takes its console along, and is not told to end again`() {
        var console = shown()
        #expect(console.end(at: now).count == 2)
        #expect(console.end(at: now) == [])
        #expect(console.ended(status: exited(0)) == [.takeBack(from: Self.pid, isTorn: false), .release])
        console = ConsoleLife(isWanted: true)
        #expect(console.end(at: now) == [])
        #expect(console.ready(isForeground: true) == [])
    }

    @Test func `A stopped console ends as well`() {
        var console = shown()
        _ = console.stopped(by: SIGTTIN)
        #expect(console.stop(at: now) == [.signal(Self.pid, SIGTERM), .signal(Self.pid, SIGCONT)])
        #expect(!console.wantsBeat)
    }
}

@Suite struct ConsolePolicyTests {
    private func shows(_ change: (inout ConsolePolicy) -> Void) -> Bool {
        var policy = ConsolePolicy(isUnwanted: false, isService: false, hasTerminal: true, terminal: "xterm")
        change(&policy)
        return policy.showsConsole
    }

    @Test func `A console is shown on a terminal that can show one, to who wants it`() {
        #expect(shows { _ in })
        #expect(!shows { $0.isUnwanted = true })
        #expect(!shows { $0.isService = true })
        #expect(!shows { $0.hasTerminal = false })
        for terminal in [nil, "", "dumb"] { #expect(!shows { $0.terminal = terminal }) }
    }

    @Test func `What waitpid says is read as it is meant`() {
        #expect(WaitStatus.stop(SIGSTOP << 8 | 0x7f) == SIGSTOP)
        #expect(WaitStatus.stop(3 << 8) == nil && WaitStatus.stop(SIGKILL) == nil)
        #expect(WaitStatus.exitCode(3 << 8) == 3 && WaitStatus.exitCode(SIGKILL) == 137)
        #expect(WaitStatus.text(3 << 8) == "with status 3" && WaitStatus.text(SIGKILL) == "by signal 9")
    }
}

@Suite struct TextBacklogTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `What is kept comes out once, in its order`() {
        var backlog = TextBacklog()
        backlog.append("one\n".utf8)
        backlog.append("two\n".utf8)
        #expect(text(backlog.take()) == "one\ntwo\n")
        #expect(backlog.take().isEmpty)
    }

    @Test func `The oldest is dropped, whole lines of it, and that is said`() {
        var backlog = TextBacklog()
        for number in 0..<20_000 { backlog.append("line \(number)\n".utf8) }
        let kept = text(backlog.take())
        let lines = kept.split(separator: "\n")
        #expect(kept.utf8.count <= TextBacklog.limit + 64)
        #expect(lines.first == "dtm: … more was written before this" && lines.last == "line 19999")
        #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("line ") })
    }

    @Test func `A single piece that is too much is cut as well`() {
        var backlog = TextBacklog()
        backlog.append([UInt8](repeating: 0x61, count: TextBacklog.limit * 2))
        #expect(backlog.take().count <= TextBacklog.limit + 64)
    }
}

@Suite struct OutputPipeTests {
    @Test func `Writing never waits, and what was written comes out`() throws {
        let output = try #require(OutputPipe())
        let line = [UInt8](repeating: 0x61, count: 4_096)
        var written = 0
        for _ in 0..<64 {
            let count = line.withUnsafeBytes { write(output.writing, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            written += count
        }
        #expect(written > 0 && written < 64 * 4_096)
        #expect(output.read().count == written)
        #expect(output.read().isEmpty)
    }
}
