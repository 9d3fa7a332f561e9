import CDTMLinux
import DTMCore
public import DTMPlan
import DTMSecrets
import DTMTunnel
import Glibc
import NIOCore
import NIOPosix

/// The process that faces the network: listeners, relays and rotation on NIO's event loops, and nothing else. It starts
/// no `Task` and touches no Dispatch queue, so that it can be caged (`docs/architecture.md`, "Processes").
///
/// It holds its own leaf keys and window keys only. It ends when control does, or when its drain is over.
public enum DataPlaneProcess {
    /// Serves until control ends or the drain is over. Call it on the main thread, before anything else runs.
    ///
    /// - Returns: the exit status.
    public static func run(channel: consuming ProcessChannel) -> CInt {
        do {
            guard case .link(let descriptor)? = try channel.receive() else { return 0 }
            let link = try DataPlaneEnd(adopting: descriptor)
            let group = MultiThreadedEventLoopGroup(numberOfThreads: EventLoops.count)
            return serve(link, group)
        } catch {
            complain("the data plane could not start: \(error)")
            return 1
        }
    }

    /// Serves on `group` until control ends or the drain is over.
    static func serve(_ link: DataPlaneEnd, _ group: MultiThreadedEventLoopGroup) -> CInt {
        let reporter = Reporter(link: link)
        let memory = beginProtection()
        reporter.send(.hello(DataPlaneHello(protocolVersion: PlanProtocol.version, pid: getpid(), memory: memory)))
        let executor = PlanExecutor(group: group, reporter: reporter)
        do {
            try link.run { receive($0, executor, link) }
        } catch {
            complain("the link to control broke: \(error)")
            return 1
        }
        executor.shutDown()
        return 0
    }

    /// Before the first secret. Without memory for any, control is told so, and ends the manager.
    private static func beginProtection() -> MemoryReport {
        do throws(SecretsError) {
            return MemoryReport(try MemoryProtection.begin(.prefer))
        } catch {
            return MemoryReport(backing: nil, refusalCode: error.systemCode)
        }
    }

    private static func receive(_ message: ControlMessage, _ executor: PlanExecutor, _ link: DataPlaneEnd) {
        switch message {
        case .hello(let hello): executor.greet(hello)
        case .plan(let plan): executor.apply(plan)
        case .windowKey(let tunnel, let window, let key): executor.adopt(key, of: window, for: tunnel)
        case .credential(let subject, let chain): executor.adopt(chain: chain, for: subject)
        case .renew(let subject): executor.renew(subject)
        case .drain(let milliseconds): drain(executor, link, .milliseconds(Int64(milliseconds)))
        }
    }

    /// Waits on the reading thread: a draining data plane takes no more orders.
    private static func drain(_ executor: PlanExecutor, _ link: DataPlaneEnd, _ limit: Duration) {
        executor.stopAccepting()
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while executor.openConnections > 0, clock.now < deadline { pause(milliseconds: 20) }
        executor.cutEverything()
        // What is cut now still has to reach the kernel and the records.
        pause(milliseconds: 50)
        try? link.send(.drained)
        link.finish(within: .seconds(2))
    }

    private static func pause(milliseconds: Int) {
        var wait = timespec(tv_sec: 0, tv_nsec: milliseconds * 1_000_000)
        nanosleep(&wait, nil)
    }

    static func complain(_ text: String) {
        let line = "dtm: \(text)\n"
        _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }
}
