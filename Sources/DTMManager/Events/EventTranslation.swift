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

    /// A connection, with the process behind it.
    ///
    /// - Parameters:
    ///   - holder: Who asked for the identity; nil when that is not known any more.
    ///   - count: How many it stands for.
    func event(_ flow: FlowStart, holder: ConnectorBook.Holder?, count: UInt64) -> Event {
        var detail = process(flow.owner, holder)
        detail["connection"] = .integer(Int64(clamping: flow.connection))
        detail["count"] = .integer(Int64(clamping: count))
        if let peer = flow.peer { detail["peer"] = .string(peer.description) }
        return Event(
            time: flow.startedAt, kind: Event.Kind.connectionOpened, severity: .debug, tunnel: name(flow.tunnel),
            identity: flow.identity, detail: detail)
    }

    /// That a connection's socket is another user's than its identity was given to: a key has left the process that it was
    /// made in. Nil when it is not so.
    func misuse(_ flow: FlowStart, holder: ConnectorBook.Holder?) -> Event? {
        guard let holder, let owner = flow.owner, owner.uid != holder.uid else { return nil }
        var detail = process(owner, holder)
        if let peer = flow.peer { detail["peer"] = .string(peer.description) }
        detail["reason"] = .string(
            "the identity was given to uid \(holder.uid), and the connection is uid \(owner.uid)'s")
        return Event(
            time: flow.startedAt, kind: Event.Kind.identityMisused, severity: .error, tunnel: name(flow.tunnel),
            identity: flow.identity, detail: detail)
    }

    func event(_ flow: FlowRecord, holder: ConnectorBook.Holder?) -> Event {
        var detail = process(flow.owner, holder)
        detail["connection"] = .integer(Int64(clamping: flow.connection))
        detail["seconds"] = .double((flow.endedAt - flow.startedAt).inSeconds)
        detail["bytesIn"] = .integer(Int64(clamping: flow.bytesIn))
        detail["bytesOut"] = .integer(Int64(clamping: flow.bytesOut))
        detail["ending"] = .string(flow.ending.name)
        return Event(
            time: flow.endedAt, kind: Event.Kind.connectionClosed, severity: .debug, tunnel: name(flow.tunnel),
            identity: flow.identity, detail: detail)
    }

    /// The kernel's word on the socket, and the process that asked for the identity.
    private func process(_ owner: SocketOwner?, _ holder: ConnectorBook.Holder?) -> [String: DetailValue] {
        var detail: [String: DetailValue] = [:]
        if let owner {
            detail["uid"] = .integer(Int64(owner.uid))
            detail["inode"] = .integer(Int64(owner.inode))
        }
        if let holder {
            if let pid = holder.pid { detail["pid"] = .integer(Int64(pid)) }
            if let executable = holder.executable { detail["executable"] = .string(executable) }
            if let user = holder.userName { detail["user"] = .string(user) }
        }
        return detail
    }

    func event(_ incident: Incident, count: UInt64) -> Event {
        var detail: [String: DetailValue] = [
            "reason": .string(incident.reason), "count": .integer(Int64(clamping: count)),
        ]
        if let peer = incident.peer { detail["peer"] = .string(peer.description) }
        if let local = incident.local { detail["local"] = .string(local.description) }
        if let cause = incident.cause { detail["cause"] = .string(cause.name) }
        detail.merge(process(incident.owner, nil)) { first, _ in first }
        if let sent = incident.sent {
            detail["sent"] = .string(sent.kind.rawValue)
            detail["sentBytes"] = .integer(Int64(sent.count))
            if !sent.first.isEmpty { detail["sentFirst"] = .string(Hexadecimal.encode(sent.first)) }
        }
        return Event(
            time: incident.at, kind: incident.kind.eventKind, severity: incident.kind.severity,
            tunnel: incident.tunnel.flatMap(name), identity: incident.identity, detail: detail)
    }
}

extension EventTranslation {
    /// A touch of a decoy, with the program behind it.
    func event(_ touch: TouchDesk.Found) -> Event {
        var event = event(touch.incident, count: UInt64(touch.incident.count))
        if let program = touch.program { event.detail.merge(program.detail) { kernel, _ in kernel } }
        return event
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
