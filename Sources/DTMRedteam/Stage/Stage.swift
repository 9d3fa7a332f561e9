import DTMAPI
import DTMCore
import Glibc

/// A manager of its own for one attack, with the default configuration, an application behind a tunnel, and a client that uses it.
///
/// Begin it → attack → look at ``canary`` and ``client`` → ``end()``, which leaves nothing behind.
struct Stage {
    static let tunnel = "canary"

    let home: TemporaryHome
    let manager: StageProcess
    let canary: Canary
    /// Where the application listens, as `dtm protect` takes it.
    let target: String
    let control: ControlClient
    let connector: StageProcess

    /// - Parameter configuration: What differs from the defaults, as the text of a configuration.
    /// - Throws: ``RedteamError``, `ControlClientError`, `CancellationError`.
    static func begin(configuration: String, onUnixSocket: Bool) async throws -> Self {
        let home = try TemporaryHome(configuration: configuration)
        let environment = [
            "HOME=\(home.path)", "DTM_HOME=\(home.path)", "PATH=/usr/bin:/bin", "SWIFT_BACKTRACE=enable=no",
        ]
        let canary = Canary()
        var started: [StageProcess] = []
        let control = ControlClient(at: ControlSocketLocator(home: home.path))
        do {
            let target = try await canary.begin(path: onUnixSocket ? "\(home.path)/application.sock" : nil)
            let manager = try StageProcess(
                "the manager",
                arguments: ["up", "--no-ui", "--home", home.path, "--config", home.configurationPath],
                environment: environment)
            started.append(manager)
            try await protect(control, manager, target)
            let connector = try StageProcess(
                "the client", arguments: ["connect", tunnel, "--home", home.path, "--unix", home.clientSocketPath],
                environment: environment)
            started.append(connector)
            let stage = Self(
                home: home, manager: manager, canary: canary, target: target, control: control, connector: connector)
            try await stage.awaitService()
            return stage
        } catch {
            for process in started.reversed() { process.end() }
            await control.shutdown()
            await canary.end()
            home.remove()
            throw error
        }
    }

    private static func protect(_ control: ControlClient, _ manager: StageProcess, _ target: String) async throws {
        try await Wait.until("the manager came up", of: manager) { (try? await control.status()) != nil }
        _ = try await control.protect(ProtectRequest(subject: target, name: tunnel))
        try await Wait.until("the decoys stood", of: manager) {
            guard let report = try await control.tunnels().tunnels.first else { return false }
            return (report.decoys ?? 0) >= Defaults.decoys
        }
    }

    /// The judge is judged first: its own client gets through, and is known by its word.
    private func awaitService() async throws {
        try await Wait.until("the application's own client was served", of: connector) { isServed() }
    }

    /// Whether a connection through the tunnel gets an answer from the application, now.
    func isServed() -> Bool { client() != nil }

    /// A connection through the tunnel that was answered; it is open while it is kept.
    func client() -> UnixConnection? {
        guard let connection = UnixConnection(path: home.clientSocketPath) else { return nil }
        connection.send(Array(canary.word.utf8))
        return connection.answer().starts(with: Array("canary".utf8)) ? connection : nil
    }

    func end() async {
        connector.end()
        await control.shutdown()
        manager.end()
        await canary.end()
        home.remove()
    }

    /// What the default configuration has: `docs/configuration.md`.
    enum Defaults {
        static let decoys = 31
        static let intervalSeconds = 10.0
        static let overlapSeconds = 2.0
        static let ports: ClosedRange<UInt16> = 5_000...6_000
    }
}

/// A client's connection to the local end of a connector.
final class UnixConnection {
    private let descriptor: Int32

    init?(path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard descriptor >= 0, bytes.count < MemoryLayout.size(ofValue: name.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        var patience = timeval(tv_sec: 3, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let outcome = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard outcome == 0 else { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// The first bytes that come within three seconds.
    func answer() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return Array(buffer.prefix(max(0, count)))
    }
}

/// Waits for what happens, never for a time.
enum Wait {
    static let limit: Duration = .seconds(20)

    /// - Throws: ``RedteamError`` of code `process` when `process` ends first, or when it takes too long; what `body` throws.
    static func until(_ what: String, of process: StageProcess, _ body: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if try await body() { return }
            guard !process.hasEnded() else {
                throw RedteamError(.process, "\(process.name) ended before \(what)", hint: "dtm doctor may say why")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw RedteamError(.process, "it took more than \(limit.inSeconds) s until \(what)")
    }
}
