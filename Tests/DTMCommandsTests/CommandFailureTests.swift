import DTMAPI
import DTMConfiguration
import DTMCore
import Testing

@testable import DTMCommands

@Suite struct CommandFailureTests {
    private struct Sample: DescribedError {
        var codeName = "sample.code"
        var message = "it \u{1b}broke"
        var hint: String? = "mend it"
        var cause: (any Error)?
    }

    @Test func `An error says what, why and what to do`() {
        let failure = CommandFailure(Sample(cause: Sample(message: "worn out", hint: nil)))
        #expect(failure.lines(.plain) == [#"dtm: it \x1bbroke"#, "because: worn out", "hint: mend it"])
        #expect(failure.exitStatus == 1)
    }

    @Test func `A message of several lines keeps them`() {
        #expect(CommandFailure(Sample(message: "a\n  b", hint: nil)).lines(.plain) == ["dtm: a", "  b"])
    }

    @Test func `A configuration that is wrong exits with 78`() throws {
        let error = #expect(throws: ConfigurationError.self) {
            _ = try Configuration.parse(Array(#"{"rotatoin": {}}"#.utf8), source: "config.json")
        }
        let failure = CommandFailure(try #require(error))
        #expect(failure.exitStatus == 78)
        #expect(failure.lines(.plain).count >= 3)
    }

    @Test func `No manager exits with 69`() async {
        let error = await #expect(throws: ControlClientError.self) {
            try await ControlClient.withClient(at: ControlSocketLocator(candidates: ["/nowhere/run/control.sock"])) {
                _ = try await $0.status()
            }
        }
        #expect(error.map { CommandFailure($0).exitStatus } == 69)
    }

    @Test func `Whoever stops reading or stops the program hears nothing more`() {
        #expect(CommandFailure(Output.Closed()).lines(.plain).isEmpty)
        #expect(CommandFailure(Output.Closed()).exitStatus == 141)
        #expect(CommandFailure(CancellationError()).lines(.plain).isEmpty)
        #expect(CommandFailure(CancellationError()).exitStatus == 130)
    }
}
