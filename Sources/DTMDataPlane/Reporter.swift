import DTMCore
import DTMPlan
import DTMTunnel
import NIOConcurrencyHelpers

/// Sends what happens to control. May be used on any thread; never blocks.
final class Reporter: TunnelObserver {
    private let link: DataPlaneEnd
    private let limiter = NIOLockedValueBox(ReportLimiter())

    init(link: DataPlaneEnd) { self.link = link }

    /// A link that has ended takes nothing more: the process is about to end as well. Any other failure is this
    /// program's own fault, as a message over a bound is, and is said on standard error: a report about it could fail
    /// the same way.
    func send(_ message: DataPlaneMessage) {
        do {
            try link.send(message)
        } catch {
            guard error.code != .closed else { return }
            DataPlaneProcess.complain("a report to control was not sent: \(error.message)")
        }
    }

    func incident(_ incident: Incident) {
        for due in limiter.withLockedValue({ $0.take(incident) }) { send(.incident(due)) }
    }

    /// Tells what was held back because there was too much of it. Call about once a second.
    func flushIncidents(now: Timestamp) {
        for due in limiter.withLockedValue({ $0.flush(now: now) }) { send(.incident(due)) }
    }

    func flowBegan(_ flow: FlowStart) { send(.flowBegan(flow)) }

    func flowEnded(_ flow: FlowRecord) { send(.flow(flow)) }
}
