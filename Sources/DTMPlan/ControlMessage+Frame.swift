public import DTMSecrets
import DTMCore

extension ControlMessage: PlanMessage {
    private enum FrameType: UInt8, CaseIterable {
        case hello = 1
        case plan = 2
        case windowKey = 3
        case credential = 4
        case drain = 5
        case renew = 6
    }

    public static var maximumPayloadBytes: Int { PlanProtocol.maximumControlPayloadBytes }

    public static var carriesSecrets: Bool { true }

    public static func secretBytes(inFrameOfType type: UInt8) -> Int? {
        guard let type = FrameType(rawValue: type) else { return nil }
        return type == .windowKey ? PlanProtocol.windowKeyBytes : 0
    }

    public var isHello: Bool {
        if case .hello = self { true } else { false }
    }

    public var mayBeDropped: Bool { false }

    public var secret: SharedSecret? {
        if case .windowKey(_, _, let key) = self { key } else { nil }
    }

    public func append(to writer: inout FrameWriter) throws(PlanError) {
        try writer.frame(
            type: frameType.rawValue, limit: Self.maximumPayloadBytes, secretBytes: secret?.bytes.count ?? 0
        ) { writer throws(PlanError) in
            try appendPayload(to: &writer)
        }
    }

    private var frameType: FrameType {
        switch self {
        case .hello: .hello
        case .plan: .plan
        case .windowKey: .windowKey
        case .credential: .credential
        case .drain: .drain
        case .renew: .renew
        }
    }

    private func appendPayload(to writer: inout FrameWriter) throws(PlanError) {
        switch self {
        case .hello(let hello):
            writer.integer(hello.protocolVersion)
            writer.integer(hello.anchor.offsetNanoseconds)
        case .plan(let plan): try writer.part(plan)
        case .windowKey(let tunnel, let window, let key):
            guard key.bytes.count == PlanProtocol.windowKeyBytes else { throw .secretLength(key.bytes.count) }
            try writer.part(tunnel)
            writer.integer(window)
        case .credential(let subject, let chain):
            try writer.part(subject)
            try writer.count(chain.count, in: PlanBounds.chain)
            for certificate in chain { try writer.byteString(certificate, in: PlanBounds.chainCertificate) }
        case .drain(let milliseconds): writer.integer(milliseconds)
        case .renew(let subject): try writer.part(subject)
        }
    }

    public init(type: UInt8, from reader: inout FrameReader, secret: SharedSecret?) throws(PlanError) {
        guard let type = FrameType(rawValue: type) else { throw .type(type) }
        switch type {
        case .hello: self = .hello(try ControlHello(from: &reader))
        case .plan: self = .plan(try reader.part(Plan.self))
        case .windowKey:
            guard let secret else { throw .secretInBuffer }
            let tunnel = try reader.part(TunnelID.self)
            self = .windowKey(tunnel: tunnel, window: try reader.integer(UInt64.self, "windowKey.window"), key: secret)
        case .credential:
            let subject = try reader.part(CredentialSubject.self)
            let chain = try reader.list(in: PlanBounds.chain, least: 3) { reader throws(PlanError) in
                try reader.byteString(in: PlanBounds.chainCertificate)
            }
            self = .credential(subject, chain: chain)
        case .drain: self = .drain(milliseconds: try reader.integer(UInt32.self, "drain.milliseconds"))
        case .renew: self = .renew(try reader.part(CredentialSubject.self))
        }
    }
}

extension ControlHello {
    fileprivate init(from reader: inout FrameReader) throws(PlanError) {
        let version = try reader.protocolVersion()
        let offset = try reader.integer(Int64.self, "hello.anchor")
        self.init(protocolVersion: version, anchor: ClockAnchor(offsetNanoseconds: offset))
    }
}

extension FrameReader {
    /// The version at the start of a hello: what follows is read only when it is our own.
    mutating func protocolVersion() throws(PlanError) -> UInt16 {
        let version = try integer(UInt16.self, "hello.protocolVersion")
        guard version == PlanProtocol.version else { throw .version(theirs: version) }
        return version
    }
}
