import DTMAPI
import Testing

@testable import DTMCommands

@Suite struct WatchLoopTests {
    private struct Stop: Error {}

    private func away() throws { _ = try ControlSocketLocator(candidates: ["/nowhere/run/control.sock"]).locate() }

    /// What was shown, `!` behind it when the manager was away, and how long the pauses were.
    private func watch(
        attempts: Int = 40, steps: [Int: WatchLoop.Step] = [:], missing: Set<Int> = [], until last: Int
    ) async throws -> (shown: [String], pauses: [Duration]) {
        var loop = WatchLoop(interval: .seconds(2))
        var asked = 0
        var shown: [String] = []
        var pauses: [Duration] = []
        loop.attempts = attempts
        loop.pause = { duration in
            pauses.append(duration)
            return steps[pauses.count] ?? .ask
        }
        do {
            try await loop.run(0) {
                asked += 1
                if missing.contains(asked) { try away() }
                if asked == last { throw Stop() }
                return asked
            } show: {
                shown.append($1 == .fresh ? "\($0)" : "\($0)!")
            }
        } catch is Stop {}
        return (shown, pauses)
    }

    @Test func `It shows, pauses, asks, and outlives an absence of the manager, of which it tells once`() async throws {
        let seen = try await watch(missing: [2, 3, 5], until: 7)
        #expect(seen.shown == ["0", "1", "1!", "4", "4!", "6"])
        let short = Duration.milliseconds(250)
        #expect(seen.pauses == [.seconds(2), .seconds(2), short, short, .seconds(2), short, .seconds(2)])
    }

    @Test func `Patience ends after ten seconds`() async throws {
        let error = await #expect(throws: ControlClientError.self) {
            try await watch(attempts: 3, missing: [1, 2, 3, 4], until: 9)
        }
        #expect(error?.exitStatus == ExitStatus.noManager)
        let loop = WatchLoop(interval: .seconds(60))
        #expect(loop.retryInterval * loop.attempts == .seconds(10))
    }

    @Test func `A screen of another size shows the last answer anew, and a key ends it`() async throws {
        let seen = try await watch(steps: [2: .show, 4: .end], until: 9)
        #expect(seen.shown == ["0", "1", "1", "2"])
    }

    @Test func `A reader that went away ends it`() async {
        await #expect(throws: Output.Closed.self) {
            try await WatchLoop(interval: .zero).run(1, ask: { 2 }) { _, _ in throw Output.Closed() }
        }
    }

    @Test func `A frame is drawn over the one before`() {
        #expect(TerminalScreen.frame(["a", "b"]) == "\u{1b}[H\u{1b}[Ka\r\n\u{1b}[Jb")
    }

    @Test(
        arguments: [("q", .end), ("Q", .end), ("\u{4}", .end), (" ", .again), ("\n", .again), ("x", nil)]
            as [(String, TerminalScreen.Key?)])
    func `Keys end it or ask at once`(typed: String, key: TerminalScreen.Key?) {
        #expect(TerminalScreen.Key(typed: Array(typed.utf8)) == key)
        // An arrow.
        #expect(TerminalScreen.Key(typed: Array("\u{1b}[A".utf8)) == nil)
    }
}
