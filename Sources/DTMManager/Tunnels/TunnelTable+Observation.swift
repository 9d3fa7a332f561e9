import DTMCore
import DTMPlan
import DTMTelemetry

extension TunnelTable {
    /// Notes what the data plane tells of a tunnel. Messages about tunnels that are gone change nothing.
    ///
    /// - Returns: The tunnel whose followers must hear of it; nil when nothing that they see has changed.
    mutating func observe(_ message: DataPlaneMessage) -> TunnelID? {
        switch message {
        case .rotated(let report): return note(report)
        case .rotationFailed(let failure):
            update(failure.tunnel) { record in
                record.observed.rotationFailures += 1
                record.observed.lastFailure = failure
            }
            return failure.tunnel
        case .listeners(let tunnel, let listeners):
            update(tunnel) { $0.observed.listeners = listeners }
        case .counters(let tunnel, let counters):
            update(tunnel) { $0.observed.current = counters }
        case .incident(let incident): return note(incident)
        case .flow(let flow): note(flow)
        case .hello, .planApplied, .certificateRequest, .windowKeyWanted, .flowBegan, .verified, .drained: break
        }
        return nil
    }

    private mutating func note(_ report: RotationReport) -> TunnelID? {
        update(report.tunnel) { record in
            record.observed.endpoint = report.endpoint
            record.observed.turn = report.turn
            record.observed.nextAt = report.nextAt
            record.observed.lastFailure = nil
            // 0 says that nobody measured it.
            if report.handshakeMicroseconds > 0 {
                record.observed.durations.handshake.record(microseconds: UInt64(report.handshakeMicroseconds))
            }
            // The first endpoint is no rotation: nothing moved.
            guard report.previous != nil else { return }
            record.observed.rotations += 1
            record.observed.timings.record(microseconds: UInt64(report.switchMicroseconds))
            record.observed.durations.rotation.record(microseconds: UInt64(report.switchMicroseconds))
        }
        return report.tunnel
    }

    private mutating func note(_ flow: FlowRecord) {
        let lifetime = flow.endedAt.nanoseconds.subtractingReportingOverflow(flow.startedAt.nanoseconds)
        guard !lifetime.overflow else { return }
        update(flow.tunnel) { record in
            record.observed.durations.lifetime.record(microseconds: UInt64(max(0, lifetime.partialValue)) / 1_000)
        }
    }

    private mutating func note(_ incident: Incident) -> TunnelID? {
        guard let tunnel = incident.tunnel else { return nil }
        switch incident.kind {
        case .targetUnreachable: update(tunnel) { $0.observed.targetProblem = incident.reason }
        case .targetReachable: update(tunnel) { $0.observed.targetProblem = nil }
        default: break
        }
        return nil
    }

    /// The data plane is gone; all tunnels are without an endpoint until another one has opened theirs.
    mutating func dataPlaneLost() {
        for id in records.keys { update(id) { $0.observed.dataPlaneLost() } }
    }
}
