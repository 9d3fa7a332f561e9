import DTMCore
public import DTMSecrets

extension DataPlaneMessage: PlanMessage {
    private enum FrameType: UInt8, CaseIterable {
        case hello = 129
        case planApplied = 130
        case certificateRequest = 131
        case windowKeyWanted = 132
        case rotated = 133
        case rotationFailed = 134
        case listeners = 135
        case flow = 136
        case incident = 137
        case counters = 138
        case drained = 139
        case flowBegan = 140
        case verified = 141
    }

    public static var maximumPayloadBytes: Int { PlanProtocol.maximumDataPlanePayloadBytes }

    public static var carriesSecrets: Bool { false }

    public static func secretBytes(inFrameOfType type: UInt8) -> Int? { FrameType(rawValue: type) == nil ? nil : 0 }

    public var isHello: Bool {
        if case .hello = self { true } else { false }
    }

    public var mayBeDropped: Bool {
        switch self {
        case .flowBegan, .flow, .incident, .counters: true
        default: false
        }
    }

    public var secret: SharedSecret? { nil }

    public func append(to writer: inout FrameWriter) throws(PlanError) {
        try writer.frame(type: frameType.rawValue, limit: Self.maximumPayloadBytes) { writer throws(PlanError) in
            try appendPayload(to: &writer)
        }
    }

    private var frameType: FrameType {
        switch self {
        case .hello: .hello
        case .planApplied: .planApplied
        case .certificateRequest: .certificateRequest
        case .windowKeyWanted: .windowKeyWanted
        case .rotated: .rotated
        case .rotationFailed: .rotationFailed
        case .listeners: .listeners
        case .flowBegan: .flowBegan
        case .flow: .flow
        case .incident: .incident
        case .counters: .counters
        case .verified: .verified
        case .drained: .drained
        }
    }

    private func appendPayload(to writer: inout FrameWriter) throws(PlanError) {
        switch self {
        case .hello(let hello):
            writer.integer(hello.protocolVersion)
            writer.integer(hello.pid)
            try writer.part(hello.memory)
        case .planApplied(let version): writer.integer(version)
        case .certificateRequest(let subject, let der):
            try writer.part(subject)
            try writer.byteString(der, in: PlanBounds.certificateRequest)
        case .windowKeyWanted(let tunnel, let window):
            try writer.part(tunnel)
            writer.integer(window)
        case .rotated(let report): try writer.part(report)
        case .rotationFailed(let failure): try writer.part(failure)
        case .listeners(let tunnel, let reports):
            try writer.part(tunnel)
            try writer.list(reports, in: PlanBounds.listeners)
        case .flowBegan(let start): try writer.part(start)
        case .flow(let record): try writer.part(record)
        case .incident(let incident): try writer.part(incident)
        case .counters(let tunnel, let counters):
            try writer.part(tunnel)
            try writer.part(counters)
        case .verified(let lapses):
            try writer.count(lapses.count, in: PlanBounds.lapses)
            for lapse in lapses { try writer.prose(lapse, in: PlanBounds.lapse) }
        case .drained: break
        }
    }

    public init(type: UInt8, from reader: inout FrameReader, secret: SharedSecret?) throws(PlanError) {
        guard let type = FrameType(rawValue: type) else { throw .type(type) }
        switch type {
        case .hello: self = .hello(try DataPlaneHello(from: &reader))
        case .planApplied: self = .planApplied(version: try reader.integer(UInt64.self, "planApplied.version"))
        case .certificateRequest:
            let subject = try reader.part(CredentialSubject.self)
            self = .certificateRequest(subject, der: try reader.byteString(in: PlanBounds.certificateRequest))
        case .windowKeyWanted:
            let tunnel = try reader.part(TunnelID.self)
            self = .windowKeyWanted(tunnel: tunnel, window: try reader.integer(UInt64.self, "windowKeyWanted.window"))
        case .rotated: self = .rotated(try reader.part(RotationReport.self))
        case .rotationFailed: self = .rotationFailed(try reader.part(RotationFailure.self))
        case .listeners:
            let tunnel = try reader.part(TunnelID.self)
            self = .listeners(tunnel: tunnel, try reader.list(of: ListenerReport.self, in: PlanBounds.listeners))
        case .flowBegan: self = .flowBegan(try reader.part(FlowStart.self))
        case .flow: self = .flow(try reader.part(FlowRecord.self))
        case .incident: self = .incident(try reader.part(Incident.self))
        case .counters:
            let tunnel = try reader.part(TunnelID.self)
            self = .counters(tunnel: tunnel, try reader.part(TunnelCounters.self))
        case .verified:
            let lapses = try reader.list(in: PlanBounds.lapses, least: 2) { reader throws(PlanError) in
                try reader.text(in: PlanBounds.lapse)
            }
            self = .verified(lapses)
        case .drained: self = .drained
        }
    }
}

extension DataPlaneHello {
    fileprivate init(from reader: inout FrameReader) throws(PlanError) {
        let version = try reader.protocolVersion()
        let pid = try reader.integer(Int32.self, "hello.pid")
        self.init(protocolVersion: version, pid: pid, memory: try reader.part(MemoryReport.self))
    }
}

/// The backing (1 byte: 0 none, 1 secret, 2 locked), and why it is not better (4 bytes).
extension MemoryReport: FramePart {
    static var leastBytes: Int { 5 }

    func append(to writer: inout FrameWriter) {
        writer.integer(UInt8(backing == nil ? 0 : backing == .secret ? 1 : 2))
        writer.integer(refusalCode)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        let backing: MemoryProtection.Backing?
        switch try reader.integer(UInt8.self, "hello.memory") {
        case 0: backing = nil
        case 1: backing = .secret
        case 2: backing = .locked
        case let other: throw .value("hello.memory", other, allowed: "0, 1 and 2")
        }
        self.init(backing: backing, refusalCode: try reader.integer(Int32.self, "hello.memory.refusal"))
    }
}
