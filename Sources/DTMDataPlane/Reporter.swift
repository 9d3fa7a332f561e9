import DTMCore
import DTMPlan
import DTMTunnel

/// Sends what happens to control. May be used on any thread; never blocks.
final class Reporter: TunnelObserver {
    private let link: DataPlaneEnd

    init(link: DataPlaneEnd) { self.link = link }

    /// A link that has ended takes nothing more: the process is about to end as well.
    func send(_ message: DataPlaneMessage) { try? link.send(message) }

    func incident(_ incident: Incident) { send(.incident(incident)) }

    func flowEnded(_ flow: FlowRecord) { send(.flow(flow)) }
}
