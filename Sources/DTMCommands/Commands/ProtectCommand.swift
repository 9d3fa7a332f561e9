import ArgumentParser
import DTMAPI
import DTMCore

struct ProtectCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "protect", abstract: "Put a tunnel in front of an application.",
        discussion: """
            What is not said comes from the configuration. Returns when the tunnel's first endpoint accepts.

            Rules: uid:1000, user:NAME, gid:1000, group:NAME, any-local and others; whoever matches one may connect. \
            Without a rule, the user that owns the application may, and root.
            """)

    @Argument(
        help: ArgumentHelp("A process id, host:port, unix:/path or an application's name.", valueName: "application"))
    var subject: String

    @Option(
        help: ArgumentHelp("The tunnel's name. Default: the application's.", valueName: "name"),
        transform: ProtectCommand.tunnelName)
    var name: String?

    @Option(
        help: ArgumentHelp("How long it stays at one endpoint, at least 0.2.", valueName: "seconds"),
        transform: { try ProtectCommand.seconds($0, least: 0.2) })
    var interval: Double?

    @Option(
        help: ArgumentHelp("How long the endpoint before the newest still accepts.", valueName: "seconds"),
        transform: { try ProtectCommand.seconds($0, least: 0) })
    var overlap: Double?

    @Option(
        help: ArgumentHelp("The ports that it moves among.", valueName: "low-high"), transform: ProtectCommand.portRange
    )
    var range: [UInt16]?

    @Option(help: ArgumentHelp("Who may connect; may be given several times.", valueName: "rule"))
    var allow: [String] = []

    @Flag(help: "Tell the application who is connected, by PROXY protocol version 2.")
    var proxyProtocol = false

    @OptionGroup var manager: ManagerOptions

    var request: ProtectRequest {
        ProtectRequest(
            subject: subject, name: name, intervalSeconds: interval, overlapSeconds: overlap, portRange: range,
            allow: allow.isEmpty ? nil : allow, proxyProtocol: proxyProtocol ? true : nil)
    }

    func run(_ client: ControlClient, _ output: Output) async throws {
        let answer = try await client.protect(request)
        try print(answer, output) {
            ProtectView.lines(answer, $0, now: WallClock().now(), suffix: manager.suffix)
        }
    }
}

extension ProtectCommand {
    @Sendable static func tunnelName(_ text: String) throws -> String {
        guard TunnelName(text) != nil else { throw ValidationError("a tunnel's name has \(TunnelName.rule)") }
        return text
    }

    @Sendable static func seconds(_ text: String, least: Double) throws -> Double {
        guard let value = Double(text), value.isFinite, value >= least else {
            throw ValidationError("seconds are a number of at least \(least)")
        }
        return value
    }

    /// `LOW-HIGH`.
    @Sendable static func portRange(_ text: String) throws -> [UInt16] {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard ends.count == 2, let low = ends[0], let high = ends[1], low > 0, low <= high else {
            throw ValidationError("ports are given as LOW-HIGH, both 1 to 65535, as 5000-6000")
        }
        return [low, high]
    }
}
