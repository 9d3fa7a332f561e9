import DTMCore
import DTMPolicy

/// Makes of what runs on the host what auto-tunnel decides about.
enum PortSurvey {
    /// Every TCP port at which somebody listens, ascending.
    ///
    /// - Parameters:
    ///   - own: What belongs to DTM itself.
    ///   - covered: Whether a tunnel that was not made automatically leads there.
    static func sightings(
        _ processes: [ApplicationObservation], unattributed: [ObservedListener], policy: AutoTunnelPolicy,
        own: OwnParts, covered: (ListeningPlace) -> Bool
    ) -> [PortSighting] {
        // DTM's endpoints move all the time, hundreds of them.
        let processes = processes.filter { !own.processes.contains($0.pid) }
        let hidden = Set(unattributed.compactMap { $0.endpoint?.port })
        return ListeningPlace.collect(processes).compactMap { place in
            guard case .tcp(_, let port) = place.target else { return nil }
            let holders = holders(of: port, processes)
            // Somebody who can't be seen listens at the same port: who it is can't be said, so nothing is done by itself.
            let decision = hidden.contains(port) || covered(place) ? nil : decide(port, processes, policy, own)
            return PortSighting(port: port, target: place.target, holders: holders, decision: decision)
        }
    }

    /// One for each socket: the user who made it, and the earliest of the processes that hold it. The others have it from that
    /// one, as nginx's workers, which run as another user.
    private static func holders(of port: UInt16, _ processes: [ApplicationObservation]) -> Set<PortHolder> {
        var earliest: [UInt64: (process: ApplicationObservation, listener: ObservedListener)] = [:]
        for process in processes {
            for listener in process.listeners where listener.endpoint?.port == port {
                if let known = earliest[listener.inode]?.process,
                    (known.startTicks, known.pid) <= (process.startTicks, process.pid)
                {
                    continue
                }
                earliest[listener.inode] = (process, listener)
            }
        }
        return Set(
            earliest.values.map { process, listener in
                PortHolder(
                    application: process.application, executable: process.executable, uid: listener.uid ?? process.uid)
            })
    }

    /// Every listener of the port has to be admitted: one tunnel leads to all of them.
    private static func decide(
        _ port: UInt16, _ processes: [ApplicationObservation], _ policy: AutoTunnelPolicy, _ own: OwnParts
    ) -> AutoTunnelDecision? {
        var last: AutoTunnelDecision?
        for process in processes where process.listens(at: port) {
            for listener in process.listeners where listener.endpoint?.port == port {
                let isOwn =
                    own.processes.contains(process.pid) || listener.endpoint.map(own.endpoints.contains) ?? false
                let decision = policy.decide(ListenerCandidate(listener, of: process, isOwn: isOwn))
                guard decision.isProtected else { return decision }
                last = decision
            }
        }
        return last
    }
}

extension ApplicationObservation {
    fileprivate func listens(at port: UInt16) -> Bool { listeners.contains { $0.endpoint?.port == port } }
}
