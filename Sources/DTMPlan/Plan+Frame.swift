import DTMCore

extension Plan: FramePart {
    static var leastBytes: Int { 33 }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        try checkTunnels()
        writer.integer(version)
        try writer.text(trustDomain, in: PlanBounds.trustDomain)
        try writer.count(trustBundle.count, in: PlanBounds.trustBundle)
        for authority in trustBundle { try writer.byteString(authority, in: PlanBounds.authority) }
        try writer.list(revokedSerials, in: PlanBounds.revokedSerials)
        try writer.count(revokedIdentities.count, in: PlanBounds.revokedIdentities)
        for identity in revokedIdentities { try writer.text(identity, in: PlanBounds.revokedIdentity) }
        try writer.count(throttledIdentities.count, in: PlanBounds.throttledIdentities)
        for identity in throttledIdentities { try writer.text(identity, in: PlanBounds.throttledIdentity) }
        try writer.integer(maximumLeafLifetimeSeconds, in: PlanBounds.leafLifetime)
        writer.integer(maximumConnections)
        try writer.integer(verificationMilliseconds, in: PlanBounds.verification)
        try writer.list(tunnels, in: PlanBounds.tunnels)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        let version = try reader.integer(UInt64.self, "plan.version")
        let trustDomain = try reader.text(in: PlanBounds.trustDomain)
        let trustBundle = try reader.list(in: PlanBounds.trustBundle, least: 3) { reader throws(PlanError) in
            try reader.byteString(in: PlanBounds.authority)
        }
        let revokedSerials = try reader.list(of: SerialNumber.self, in: PlanBounds.revokedSerials)
        let revokedIdentities = try reader.list(in: PlanBounds.revokedIdentities, least: 3) {
            reader throws(PlanError) in
            try reader.text(in: PlanBounds.revokedIdentity)
        }
        let throttledIdentities = try reader.list(in: PlanBounds.throttledIdentities, least: 3) {
            reader throws(PlanError) in
            try reader.text(in: PlanBounds.throttledIdentity)
        }
        let maximumLeafLifetimeSeconds = try reader.integer(UInt32.self, in: PlanBounds.leafLifetime)
        let maximumConnections = try reader.integer(UInt32.self, "plan.maximumConnections")
        let verificationMilliseconds = try reader.integer(UInt32.self, in: PlanBounds.verification)
        self.init(
            version: version, trustDomain: trustDomain, trustBundle: trustBundle, revokedSerials: revokedSerials,
            revokedIdentities: revokedIdentities, throttledIdentities: throttledIdentities,
            maximumLeafLifetimeSeconds: maximumLeafLifetimeSeconds,
            maximumConnections: maximumConnections, verificationMilliseconds: verificationMilliseconds,
            tunnels: try reader.list(of: TunnelPlan.self, in: PlanBounds.tunnels))
        try checkTunnels()
    }

    private func checkTunnels() throws(PlanError) {
        guard Set(tunnels.map(\.id)).count == tunnels.count else { throw .order("plan.tunnels", "every id once") }
    }
}

extension TunnelPlan: FramePart {
    static var leastBytes: Int {
        TunnelID.leastBytes + ScheduleParameters.leastBytes + 8 + TargetPlan.leastBytes + 1 + TunnelLimits.leastBytes
            + 2
    }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        try writer.part(id)
        try writer.part(schedule)
        writer.integer(overlapMilliseconds)
        writer.integer(generation)
        try writer.part(target)
        writer.flag(proxyProtocol)
        try writer.part(limits)
        try writer.integer(decoys, in: PlanBounds.decoys)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(
            id: try reader.part(TunnelID.self),
            schedule: try reader.part(ScheduleParameters.self),
            overlapMilliseconds: try reader.integer(UInt32.self, "plan.tunnels.overlapMilliseconds"),
            generation: try reader.integer(UInt32.self, "plan.tunnels.generation"),
            target: try reader.part(TargetPlan.self),
            proxyProtocol: try reader.flag("plan.tunnels.proxyProtocol"),
            limits: try reader.part(TunnelLimits.self),
            decoys: try reader.integer(UInt16.self, in: PlanBounds.decoys))
    }
}

extension ScheduleParameters: FramePart {
    static var leastBytes: Int { 11 }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        try checkPorts()
        try writer.integer(intervalMilliseconds, in: PlanBounds.interval)
        writer.integer(lowestPort)
        writer.integer(highestPort)
        try writer.count(skippedPorts.count, in: PlanBounds.skippedPorts)
        for port in skippedPorts { writer.integer(port) }
        writer.integer(addressMode.frameValue)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(
            intervalMilliseconds: try reader.integer(UInt32.self, in: PlanBounds.interval),
            lowestPort: try reader.integer(UInt16.self, "plan.tunnels.schedule.lowestPort"),
            highestPort: try reader.integer(UInt16.self, "plan.tunnels.schedule.highestPort"),
            skippedPorts: try reader.list(in: PlanBounds.skippedPorts, least: 2) { reader throws(PlanError) in
                try reader.integer(UInt16.self, PlanBounds.skippedPorts.field)
            },
            addressMode: try AddressMode(frameValue: reader.integer(UInt8.self, "plan.tunnels.schedule.addressMode")))
        try checkPorts()
    }

    private func checkPorts() throws(PlanError) {
        guard lowestPort <= highestPort else {
            throw .order("plan.tunnels.schedule.highestPort", "at least the lowest port")
        }
        guard zip(skippedPorts, skippedPorts.dropFirst()).allSatisfy(<) else {
            throw .order(PlanBounds.skippedPorts.field, "ascending, without repeats")
        }
    }
}

extension AddressMode {
    fileprivate var frameValue: UInt8 {
        switch self {
        case .hop: 1
        case .fixed: 2
        }
    }

    fileprivate init(frameValue: UInt8) throws(PlanError) {
        switch frameValue {
        case 1: self = .hop
        case 2: self = .fixed
        default: throw .value("plan.tunnels.schedule.addressMode", frameValue, allowed: "1 and 2")
        }
    }
}

/// The kind (1 byte: 1 TCP, 2 Unix), then the endpoints or the path.
extension TargetPlan: FramePart {
    static var leastBytes: Int { 4 }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        switch self {
        case .tcp(let endpoints):
            writer.integer(UInt8(1))
            try Self.check(endpoints)
            try writer.list(endpoints, in: PlanBounds.targetEndpoints)
        case .unix(let path):
            writer.integer(UInt8(2))
            try Self.check(path)
            try writer.text(path, in: PlanBounds.targetPath)
        }
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        switch try reader.integer(UInt8.self, "plan.tunnels.target") {
        case 1:
            let endpoints = try reader.list(of: Endpoint.self, in: PlanBounds.targetEndpoints)
            try Self.check(endpoints)
            self = .tcp(endpoints)
        case 2:
            let path = try reader.text(in: PlanBounds.targetPath)
            try Self.check(path)
            self = .unix(path: path)
        case let other: throw .value("plan.tunnels.target", other, allowed: "1 and 2")
        }
    }

    private static func check(_ endpoints: [Endpoint]) throws(PlanError) {
        guard endpoints.allSatisfy({ $0.port != 0 }) else { throw .size(PlanBounds.targetPort, 0) }
    }

    private static func check(_ path: String) throws(PlanError) {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw .text(PlanBounds.targetPath.field, "an absolute path without zero bytes")
        }
    }
}

extension TunnelLimits: FramePart {
    static var leastBytes: Int { 20 }

    func append(to writer: inout FrameWriter) {
        writer.integer(maximumConnections)
        writer.integer(handshakeTimeoutMilliseconds)
        writer.integer(connectTimeoutMilliseconds)
        writer.integer(idleTimeoutMilliseconds)
        writer.integer(maximumAgeMilliseconds)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(
            maximumConnections: try reader.integer(UInt32.self, "plan.tunnels.limits.maximumConnections"),
            handshakeTimeoutMilliseconds: try reader.integer(
                UInt32.self, "plan.tunnels.limits.handshakeTimeoutMilliseconds"),
            connectTimeoutMilliseconds: try reader.integer(
                UInt32.self, "plan.tunnels.limits.connectTimeoutMilliseconds"),
            idleTimeoutMilliseconds: try reader.integer(UInt32.self, "plan.tunnels.limits.idleTimeoutMilliseconds"),
            maximumAgeMilliseconds: try reader.integer(UInt32.self, "plan.tunnels.limits.maximumAgeMilliseconds"))
    }
}
