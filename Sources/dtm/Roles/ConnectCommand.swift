import ArgumentParser
import DTMAPI
import DTMCommands
import DTMConnector
import DTMCore
import DTMText

/// `dtm connect`: the role of a connector.
struct ConnectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect", abstract: "Offer a fixed local address that leads through a tunnel.",
        discussion: """
            Follows the tunnel's endpoint wherever it moves, and survives a restart of the manager. With --json, the first \
            line says where it listens: {"listening":{"host":…,"port":…},"schemaVersion":1}.

            --listen serves programs of the same user alone, unless --allow-any-local. --stdio relays one connection, for \
            ssh's ProxyCommand and for scripts.

            Tunnels with rules about programs (exe:, sha256:, cgroup:, unit:) are reached with --hosted alone: the manager \
            then runs the connector, and asks the kernel who is behind each connection. Such rules keep other programs and \
            mistakes out; they do not stop an attacker who runs as the same user.
            """)

    @Argument(help: ArgumentHelp("The tunnel's name.", valueName: "name"))
    var name: String

    @Option(help: ArgumentHelp("Listen at this address; port 0 takes a free one.", valueName: "host:port"))
    var listen: String?

    @Option(help: ArgumentHelp("Listen at this Unix socket, with mode 0600.", valueName: "path"), completion: .file())
    var unix: String?

    @Flag(help: "Relay standard input and output.")
    var stdio = false

    @Flag(help: "With --listen: serve programs of every user on this machine.")
    var allowAnyLocal = false

    @Flag(help: "Let the manager run it, which looks at the program behind each connection.")
    var hosted = false

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        let ways = [listen != nil, unix != nil, stdio].filter { $0 }.count
        guard ways == 1 else { throw ValidationError("Say one of --listen HOST:PORT, --unix PATH and --stdio.") }
        if let listen, splitHostPort(listen).map({ $0.host == "localhost" || IPAddress($0.host) != nil }) != true {
            throw ValidationError("'\(shown(listen))' is no address and port, as 127.0.0.1:6380 or [::1]:0.")
        }
        guard !allowAnyLocal || listen != nil else { throw ValidationError("--allow-any-local goes with --listen.") }
        guard !hosted || !stdio else {
            throw ValidationError("--stdio can't be hosted: use --listen or --unix with --hosted.")
        }
        guard !hosted || !allowAnyLocal else {
            throw ValidationError("With --hosted, the tunnel's policy alone says who is served.")
        }
        guard !manager.json || !stdio else {
            throw ValidationError("--stdio leaves no room on standard output for --json.")
        }
    }

    func run() async throws {
        try await reporting(asJSON: manager.json) {
            let output = Output.standard()
            let asJSON = manager.json
            let tunnel = name
            let announce: @Sendable (ConnectorOffer) -> Void = { offer in
                // Whoever reads may have gone already; the connector serves all the same.
                try? Self.announce(offer, of: tunnel, output, asJSON: asJSON)
            }
            if hosted {
                try await HostedSession(
                    tunnel: name, offer: offer, locator: manager.locator, isListening: announce
                ).run()
            } else {
                try await ConnectorProcess(
                    tunnel: name, offer: offer, allowsAnyLocal: allowAnyLocal, locator: manager.locator,
                    isListening: announce
                ).run()
            }
        }
    }

    private var offer: ConnectorOffer {
        if let listen, let (host, port) = splitHostPort(listen) { return .tcp(host: host, port: port) }
        if let unix { return .unix(path: HomeDirectory.absolute(unix)) }
        return .stdio
    }

    private static func announce(
        _ offer: ConnectorOffer, of tunnel: String, _ output: Output, asJSON: Bool
    ) throws {
        switch offer {
        case .tcp(let host, let port):
            if asJSON {
                try output.json(ListeningReport(listening: .init(host: host, port: port)))
            } else {
                try output.lines(["\(tunnel) is at \(host.contains(":") ? "[\(host)]" : host):\(port)"])
            }
        case .unix(let path):
            if asJSON {
                try output.json(ListeningReport(listening: .init(unix: path)))
            } else {
                try output.lines(["\(tunnel) is at \(path)"])
            }
        case .stdio: break
        }
    }
}

/// The first line of `dtm connect --json`.
private struct ListeningReport: Encodable {
    struct Place: Encodable {
        var host: String?
        var port: UInt16?
        var unix: String?
    }

    var schemaVersion = apiSchemaVersion
    var listening: Place
}
