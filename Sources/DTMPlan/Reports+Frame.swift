import DTMCore

extension RotationReport: FramePart {
    static var leastBytes: Int { 56 }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        try writer.part(tunnel)
        try writer.part(turn)
        try writer.part(endpoint)
        writer.integer(candidate)
        try writer.optional(previous)
        try writer.part(nextAt)
        writer.integer(switchMicroseconds)
        writer.integer(handshakeMicroseconds)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(
            tunnel: try reader.part(TunnelID.self),
            turn: try reader.part(ScheduleTurn.self),
            endpoint: try reader.part(Endpoint.self),
            candidate: try reader.integer(UInt32.self, "rotated.candidate"),
            previous: try reader.optional(Endpoint.self, "rotated.previous"),
            nextAt: try reader.part(Timestamp.self),
            switchMicroseconds: try reader.integer(UInt32.self, "rotated.switchMicroseconds"),
            handshakeMicroseconds: try reader.integer(UInt32.self, "rotated.handshakeMicroseconds"))
    }
}

extension RotationFailure: FramePart {
    static var leastBytes: Int { 33 }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        try writer.part(tunnel)
        try writer.part(turn)
        try writer.text(step, in: PlanBounds.failureStep)
        try writer.prose(reason, in: PlanBounds.failureReason)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(
            tunnel: try reader.part(TunnelID.self),
            turn: try reader.part(ScheduleTurn.self),
            step: try reader.text(in: PlanBounds.failureStep),
            reason: try reader.text(in: PlanBounds.failureReason))
    }
}

extension ListenerReport: FramePart {
    static var leastBytes: Int { Endpoint.leastBytes + 1 }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        try writer.part(endpoint)
        writer.integer(role.rawValue)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        let endpoint = try reader.part(Endpoint.self)
        self.init(endpoint: endpoint, role: try reader.choice(ListenerRole.self, "listeners.role"))
    }
}

extension FlowRecord: FramePart {
    static var leastBytes: Int { 60 }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        try writer.part(tunnel)
        writer.integer(connection)
        try writer.text(identity, in: PlanBounds.flowIdentity)
        try writer.part(startedAt)
        try writer.part(endedAt)
        writer.integer(bytesIn)
        writer.integer(bytesOut)
        writer.integer(ending.rawValue)
        try writer.optional(owner)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(
            tunnel: try reader.part(TunnelID.self),
            connection: try reader.integer(UInt64.self, "flow.connection"),
            identity: try reader.text(in: PlanBounds.flowIdentity),
            startedAt: try reader.part(Timestamp.self),
            endedAt: try reader.part(Timestamp.self),
            bytesIn: try reader.integer(UInt64.self, "flow.bytesIn"),
            bytesOut: try reader.integer(UInt64.self, "flow.bytesOut"),
            ending: try reader.choice(Ending.self, "flow.ending"),
            owner: try reader.optional(SocketOwner.self, "flow.owner"))
    }
}

extension TunnelCounters: FramePart {
    static var leastBytes: Int { 48 }

    func append(to writer: inout FrameWriter) {
        writer.integer(active)
        writer.integer(total)
        writer.integer(rejected)
        writer.integer(failed)
        writer.integer(bytesIn)
        writer.integer(bytesOut)
        writer.integer(decoys)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(
            active: try reader.integer(UInt32.self, "counters.active"),
            total: try reader.integer(UInt64.self, "counters.total"),
            rejected: try reader.integer(UInt64.self, "counters.rejected"),
            failed: try reader.integer(UInt64.self, "counters.failed"),
            bytesIn: try reader.integer(UInt64.self, "counters.bytesIn"),
            bytesOut: try reader.integer(UInt64.self, "counters.bytesOut"),
            decoys: try reader.integer(UInt32.self, "counters.decoys"))
    }
}

extension Incident: FramePart {
    static var leastBytes: Int { 22 }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        try writer.optional(tunnel)
        writer.integer(kind.rawValue)
        try writer.part(at)
        writer.integer(count)
        try writer.optional(peer)
        try writer.optional(local)
        writer.flag(identity != nil)
        if let identity { try writer.text(identity, in: PlanBounds.incidentIdentity) }
        try writer.prose(reason, in: PlanBounds.incidentReason)
        writer.flag(cause != nil)
        if let cause { writer.integer(cause.rawValue) }
        try writer.optional(owner)
        try writer.optional(sent)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(
            tunnel: try reader.optional(TunnelID.self, "incident.tunnel"),
            kind: try reader.choice(Kind.self, "incident.kind"),
            at: try reader.part(Timestamp.self),
            count: try reader.integer(UInt32.self, "incident.count"),
            peer: try reader.optional(Endpoint.self, "incident.peer"),
            local: try reader.optional(Endpoint.self, "incident.local"),
            identity: try reader.flag("incident.identity") ? try reader.text(in: PlanBounds.incidentIdentity) : nil,
            reason: try reader.text(in: PlanBounds.incidentReason),
            cause: try reader.flag("incident.cause") ? try reader.choice(Incident.Cause.self, "incident.cause") : nil,
            owner: try reader.optional(SocketOwner.self, "incident.owner"),
            sent: try reader.optional(SentBytes.self, "incident.sent"))
    }
}

/// How many bytes there were (4 bytes), the first of them.
extension SentBytes: FramePart {
    static var leastBytes: Int { 6 }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        writer.integer(count)
        try writer.byteString(first, in: PlanBounds.incidentSent)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        let count = try reader.integer(UInt32.self, "incident.sent.count")
        let first = try reader.byteString(in: PlanBounds.incidentSent)
        guard Int(count) >= first.count else { throw .order("incident.sent.count", "at least the bytes that follow") }
        self.init(count: count, first: first)
    }
}
