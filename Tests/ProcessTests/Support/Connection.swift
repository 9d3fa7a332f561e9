import DTMAPI
import DTMCore
import Glibc
import Testing

/// `dtm connect NAME --listen 127.0.0.1:0 --json`, with the address that its first line named. With `--hosted`, when asked.
final class Connection {
    let program: ChildProgram
    let endpoint: Endpoint

    private struct Announcement: Decodable {
        struct Place: Decodable {
            var host: String
            var port: UInt16
        }
        var schemaVersion: Int
        var listening: Place
    }

    init(
        _ manager: Manager, to tunnel: String, port: UInt16 = 0, hosted: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let place = "127.0.0.1:\(port)"
        program =
            hosted
            ? try manager.start("connect", tunnel, "--hosted", "--listen", place, "--json")
            : try manager.start("connect", tunnel, "--listen", place, "--json")
        let program = program
        let line = try awaited(
            "dtm connect said nothing: \(program.errors)", within: .seconds(20), sourceLocation: sourceLocation
        ) {
            if !program.isRunning { throw BlockingSocket.Failure(description: "dtm connect ended: \(program.errors)") }
            return program.output.contains("\n") ? program.lines.first : nil
        }
        let announcement = try APIJSON.decode(Announcement.self, from: line.utf8)
        let address = try #require(IPAddress(announcement.listening.host), sourceLocation: sourceLocation)
        endpoint = Endpoint(address: address, port: announcement.listening.port)
    }

    func socket(patience: Int = 20) throws -> BlockingSocket {
        try BlockingSocket(connectedTo: endpoint, patience: patience, owner: self)
    }
}
