import DTMAPI
import Glibc
import Testing

/// A program of another user that touches decoys, one after the other, and does not go when asked to: it says `asked`.
final class DecoyProber {
    let program: ChildProgram

    private static let script = #"""
        import signal, socket, sys, time
        signal.signal(signal.SIGTERM, lambda *_: print("asked", flush=True))
        print("ready", flush=True)
        peers = []
        while True:
            try:
                line = sys.stdin.readline()
            except InterruptedError:
                continue
            if not line:
                time.sleep(0.1)
                continue
            host, port = line.split()
            try:
                peer = socket.create_connection((host, int(port)), 5)
                peer.send(b"HELP\r\n")
                peers.append(peer)
            except OSError:
                pass
        """#

    init(in manager: Manager, as user: OtherUser) throws {
        program = try ChildProgram(
            .init(
                program: user.prefix[0], arguments: user.prefix.dropFirst() + ["python3", "-c", Self.script],
                environment: basicEnvironment, directory: manager.directory.path, hasInput: true))
        let program = program
        #expect(eventually { program.output.contains("ready") }, "\(program.errors)")
    }

    deinit { program.signal(SIGKILL) }

    /// Has it touch whatever listens beside the tunnel's endpoint.
    func touchDecoy(of tunnel: String, _ manager: Manager) throws {
        let live = try manager.endpoint(of: tunnel)
        let decoy = try manager.apps().apps.filter { $0.name == "dtm-dataplane" }.flatMap(\.listeners)
            .filter { $0.address.hasPrefix("127.") && "\($0.address):\($0.port)" != "\(live)" }.randomElement()
        if let decoy { program.send("\(decoy.address) \(decoy.port)\n") }
    }
}
