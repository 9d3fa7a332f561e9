import ArgumentParser
import DTMAPI
import Testing

@testable import DTMCommands

@Suite struct CommandParsingTests {
    private func exitStatus<Command: ParsableCommand>(_ command: Command.Type, _ arguments: [String]) -> Int32 {
        do {
            _ = try command.parse(arguments)
            return 0
        } catch {
            return command.exitCode(for: error).rawValue
        }
    }

    @Test func `Protect sends what was said and leaves the rest to the configuration`() throws {
        let command = try ProtectCommand.parse([
            "127.0.0.1:6379", "--name", "redis", "--interval", "0.5", "--overlap", "1", "--range", "5000-5100",
            "--allow",
            "uid:1000", "--allow", "group:web", "--proxy-protocol",
        ])
        #expect(
            command.request
                == ProtectRequest(
                    subject: "127.0.0.1:6379", name: "redis", intervalSeconds: 0.5, overlapSeconds: 1,
                    portRange: [5000, 5100], allow: ["uid:1000", "group:web"], proxyProtocol: true))
        #expect(try ProtectCommand.parse(["4242"]).request == ProtectRequest(subject: "4242"))
    }

    @Test(arguments: [
        [], ["x", "--name", "No Such"], ["x", "--interval", "0.1"], ["x", "--interval", "nan"],
        ["x", "--interval", "1e999"],
        ["x", "--range", "5000"], ["x", "--range", "6000-5000"], ["x", "--range", "0-10"], ["x", "--range", "1-70000"],
        ["x", "--range", "-5"], ["x", "--overlap", "-1"], ["x", "--nonsense"], ["x", "y"],
    ])
    func `What protect can't mean is wrong usage`(arguments: [String]) {
        #expect(exitStatus(ProtectCommand.self, arguments) == 64)
    }

    @Test func `Rotate takes one name or all`() {
        #expect(exitStatus(RotateCommand.self, ["redis"]) == 0)
        #expect(exitStatus(RotateCommand.self, ["--all"]) == 0)
        #expect(exitStatus(RotateCommand.self, []) == 64)
        #expect(exitStatus(RotateCommand.self, ["redis", "--all"]) == 64)
    }

    @Test func `Revoke takes a serial number or an identity`() {
        #expect(exitStatus(CertificateRevokeCommand.self, ["0a1b2c"]) == 0)
        #expect(exitStatus(CertificateRevokeCommand.self, ["spiffe://x/client/00/me"]) == 0)
        #expect(exitStatus(CertificateRevokeCommand.self, ["redis"]) == 64)
    }

    @Test func `A new authority is not one tunnel's`() {
        #expect(exitStatus(CertificateRotateCommand.self, ["redis", "--authority"]) == 64)
    }

    @Test(arguments: [["--since", "-1"], ["--since", "yesterday"]])
    func `Events are named by number`(arguments: [String]) {
        #expect(exitStatus(EventsCommand.self, arguments) == 64)
    }

    @Test func `Apps are watched every two seconds, or as often as was said`() throws {
        #expect(try AppsCommand.parse([]).watch == nil)
        #expect(try AppsCommand.parse(["--watch", "--json"]).watch?.seconds == 2)
        #expect(try AppsCommand.parse(["redis", "--watch"]).watch?.seconds == 2)
        let command = try AppsCommand.parse(["--watch", "0.5", "--sort", "memory", "redis"])
        #expect(command.watch?.seconds == 0.5)
        #expect(command.sort == .memory)
        #expect(command.subject == "redis")
    }

    @Test(arguments: [
        ["--watch", "0"], ["--watch=0.2"], ["--watch=-1"], ["--watch", "nan"], ["--watch", "1e9"], ["--watch=1s"],
        ["--watch", "redis"],
        ["--sort", "age"], ["a", "b"],
    ])
    func `What apps can't mean is wrong usage`(arguments: [String]) {
        #expect(exitStatus(AppsCommand.self, arguments) == 64)
    }

    @Test func `What is no time for --watch may be a name in the wrong place`() {
        let error = #expect(throws: (any Error).self) { try AppsCommand.parse(["--watch", "redis"]) }
        #expect(error.map { AppsCommand.message(for: $0) }?.contains("dtm apps redis --watch") == true)
    }
}
