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

    /// A connection, with the process behind it; and beside it that its socket is another user's than the identity was given
    /// to, when that is so: a key has left the process that it was made in.
    ///
    /// - Parameter holder: Who asked for the identity; nil when that is not known any more.
    func events(_ flow: FlowStart, holder: ConnectorBook.Holder?) -> [Event] {
        var detail: [String: DetailValue] = ["connection": .integer(Int64(clamping: flow.connection))]
        if let peer = flow.peer { detail["peer"] = .string(peer.description) }
        if let owner = flow.owner {
            detail["uid"] = .integer(Int64(owner.uid))
            detail["inode"] = .integer(Int64(owner.inode))
        }
        if let holder {
            if let pid = holder.pid { detail["pid"] = .integer(Int64(pid)) }
            if let executable = holder.executable { detail["executable"] = .string(executable) }
            if let user = holder.userName { detail["user"] = .string(user) }
        }
        func event(_ kind: String, _ severity: Severity) -> Event {
            Event(
                time: flow.startedAt, kind: kind, severity: severity, tunnel: name(flow.tunnel),
                identity: flow.identity,
                detail: detail)
        }
        let opened = event(Event.Kind.connectionOpened, .debug)
        guard let holder, let owner = flow.owner, owner.uid != holder.uid else { return [opened] }
        detail["reason"] = .string(
            "the identity was given to uid \(holder.uid), and the connection is uid \(owner.uid)'s")
        return [opened, event(Event.Kind.identityMisused, .error)]
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
