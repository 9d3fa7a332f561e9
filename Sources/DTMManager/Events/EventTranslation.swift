import DTMCore
import DTMPlan

/// Turns what the data plane tells into events. Pure: names come in.
struct EventTranslation: Sendable {
    /// The tunnel's name; nil when it is gone.
    var name: @Sendable (TunnelID) -> String?

    func event(_ report: RotationReport, at time: Timestamp) -> Event {
        var detail: [String: DetailValue] = [
            "host": .string(report.endpoint.address.description), "port": .integer(Int64(report.endpoint.port)),
            "epoch": .integer(Int64(clamping: report.turn.epoch)),
            "generation": .integer(Int64(report.turn.generation)),
            "candidate": .integer(Int64(report.candidate)), "switchMicros": .integer(Int64(report.switchMicroseconds)),
            "handshakeMicros": .integer(Int64(report.handshakeMicroseconds)),
            "nextRotation": .string(report.nextAt.rfc3339),
        ]
        if let previous = report.previous { detail["previous"] = .string(previous.description) }
        return Event(
            time: time, kind: Event.Kind.tunnelRotated, severity: .info, tunnel: name(report.tunnel), detail: detail)
    }

    func event(_ failure: RotationFailure, count: UInt64, at time: Timestamp) -> Event {
        Event(
            time: time, kind: Event.Kind.tunnelRotationFailed, severity: .warning, tunnel: name(failure.tunnel),
            detail: [
                "step": .string(failure.step), "reason": .string(failure.reason),
                "epoch": .integer(Int64(clamping: failure.turn.epoch)),
                "generation": .integer(Int64(failure.turn.generation)), "count": .integer(Int64(clamping: count)),
            ])
    }

    func event(_ flow: FlowRecord) -> Event {
        Event(
            time: flow.endedAt, kind: Event.Kind.connectionClosed, severity: .debug, tunnel: name(flow.tunnel),
            identity: flow.identity,
            detail: [
                "connection": .integer(Int64(clamping: flow.connection)),
                "seconds": .double((flow.endedAt - flow.startedAt).inSeconds),
                "bytesIn": .integer(Int64(clamping: flow.bytesIn)),
                "bytesOut": .integer(Int64(clamping: flow.bytesOut)),
                "ending": .string(flow.ending.name),
            ])
    }

    func event(_ incident: Incident, count: UInt64) -> Event {
        var detail: [String: DetailValue] = [
            "reason": .string(incident.reason), "count": .integer(Int64(clamping: count)),
        ]
        if let peer = incident.peer { detail["peer"] = .string(peer.description) }
        if let local = incident.local { detail["local"] = .string(local.description) }
        return Event(
            time: incident.at, kind: incident.kind.eventKind, severity: incident.kind.severity,
            tunnel: incident.tunnel.flatMap(name), identity: incident.identity, detail: detail)
    }
}

extension Incident.Kind {
    /// The name of the event that tells of it.
    var eventKind: String {
        switch self {
        case .handshakeFailed: Event.Kind.handshakeFailed
        case .decoyTouched: Event.Kind.decoyTouched
        case .identityRefused, .limitReached: Event.Kind.connectionRefused
        case .targetUnreachable: Event.Kind.tunnelTargetUnreachable
        case .targetReachable: Event.Kind.tunnelTargetReachable
        case .endpointTaken: Event.Kind.tunnelEndpointTaken
        case .descriptorsExhausted: Event.Kind.listenerExhausted
        case .descriptorsRecovered: Event.Kind.listenerRecovered
        case .windowKeyMissing: Event.Kind.tunnelRotationFailed
        case .connectionCut: Event.Kind.connectionCut
        }
    }

    var severity: Severity {
        switch self {
        case .handshakeFailed, .targetReachable, .descriptorsRecovered, .connectionCut: .notice
        case .decoyTouched, .identityRefused, .limitReached, .targetUnreachable, .endpointTaken, .windowKeyMissing:
            .warning
        case .descriptorsExhausted: .error
        }
    }

    /// Whether many of a kind may come at once, so that they are told in few events.
    var isLimited: Bool {
        switch self {
        case .targetReachable, .descriptorsExhausted, .descriptorsRecovered: false
        default: true
        }
    }
}
