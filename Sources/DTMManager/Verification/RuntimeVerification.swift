import DTMConfiguration
import DTMDiscovery
import DTMSecrets
import NIOPosix
import ServiceLifecycle
import Synchronization

/// What control looks at when it looks at itself.
final class RuntimeChecks: Sendable {
    private let lapses: @Sendable () -> [String]
    private let executable: Mutex<ExecutableWatch>

    init(
        lapses: @escaping @Sendable () -> [String] = OwnProtections.lapses,
        executable: consuming sending ExecutableWatch
    ) {
        self.lapses = lapses
        self.executable = Mutex(executable)
    }

    func look() -> (lapses: [String], executable: ExecutableState) {
        (lapses(), executable.withLock { $0.look() })
    }
}

/// Looks again and again whether what the manager promises of its own processes still holds: protected memory, no core
/// files, no tracing, no gain of privileges, and the program that was started.
struct RuntimeVerification: Service {
    let checks: RuntimeChecks
    let desk: ProtectionDesk
    let configuration: ConfigurationKeeper
    let threads: NIOThreadPool

    /// So many looks of the data plane may be missing, and some time besides, before its silence is told.
    private static let missedLooks = 3.0
    private static let grace = Duration.seconds(10)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var interval = await self.interval
            while !Task.isCancelled {
                let current = await self.interval
                // After a change the data plane may still be at the longer one.
                await look(max(interval, current))
                interval = current
                let used = interval
                _ = await configuration.changes.first(within: .seconds(used)) {
                    await self.interval == used ? nil : true
                }
            }
        }
    }

    private var interval: Double {
        get async { await configuration.current.configuration.verification.intervalSeconds }
    }

    private func look(_ interval: Double) async {
        let found = try? await threads.runIfActive { [checks] in checks.look() }
        guard let found else { return }
        desk.take(found.lapses, of: .control)
        desk.take(found.executable)
        desk.checkSilence(.seconds(interval * Self.missedLooks) + Self.grace)
    }
}
