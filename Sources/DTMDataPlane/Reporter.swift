import DTMCore
import DTMPlan
import DTMTunnel
import NIOConcurrencyHelpers

/// Sends what happens to control. May be used on any thread; never blocks.
final class Reporter: TunnelObserver {
    private let link: DataPlaneEnd
    private let limiter = NIOLockedValueBox(ReportLimiter())

    init(link: DataPlaneEnd) { self.link = link }

    /// A link that has ended takes nothing more: the process is about to end as well.
    func send(_ message: DataPlaneMessage) { try? link.send(message) }

    func incident(_ incident: Incident) {
        for due in limiter.withLockedValue({ $0.take(incident) }) { send(.incident(due)) }
    }

    /// Tells what was held back because there was too much of it. Call about once a second.
    func flushIncidents(now: Timestamp) {
        for due in limiter.withLockedValue({ $0.flush(now: now) }) { send(.incident(due)) }
    }

    func flowEnded(_ flow: FlowRecord) { send(.flow(flow)) }
}
