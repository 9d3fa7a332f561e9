import DTMCore

/// A value that is part of a payload.
protocol FramePart {
    /// The fewest bytes that it takes: what a list's count is checked against.
    static var leastBytes: Int { get }

    func append(to writer: inout FrameWriter) throws(PlanError)
    init(from reader: inout FrameReader) throws(PlanError)
}

extension TunnelID: FramePart {
    static var leastBytes: Int { 16 }

    func append(to writer: inout FrameWriter) {
        writer.integer(high)
        writer.integer(low)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(high: try reader.integer(UInt64.self, "tunnel"), low: try reader.integer(UInt64.self, "tunnel"))
    }
}

extension Timestamp: FramePart {
    static var leastBytes: Int { 8 }

    func append(to writer: inout FrameWriter) { writer.integer(nanoseconds) }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(nanoseconds: try reader.integer(Int64.self, "time"))
    }
}

/// The version of IP (1 byte), the address (4 or 16 bytes), the port (2 bytes).
extension Endpoint: FramePart {
    static var leastBytes: Int { 7 }

    func append(to writer: inout FrameWriter) {
        switch address {
        case .v4(let value):
            writer.integer(UInt8(4))
            writer.integer(value)
        case .v6(let high, let low):
            writer.integer(UInt8(6))
            writer.integer(high)
            writer.integer(low)
        }
        writer.integer(port)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        let address: IPAddress
        switch try reader.integer(UInt8.self, "endpoint.version") {
        case 4: address = .v4(try reader.integer(UInt32.self, "endpoint.address"))
        case 6:
            let high = try reader.integer(UInt64.self, "endpoint.address")
            address = .v6(high: high, low: try reader.integer(UInt64.self, "endpoint.address"))
        case let other: throw .value("endpoint.version", other, allowed: "4 and 6")
        }
        self.init(address: address, port: try reader.integer(UInt16.self, "endpoint.port"))
    }
}

extension ScheduleTurn: FramePart {
    static var leastBytes: Int { 12 }

    func append(to writer: inout FrameWriter) {
        writer.integer(epoch)
        writer.integer(generation)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        let epoch = try reader.integer(UInt64.self, "turn.epoch")
        self.init(epoch: epoch, generation: try reader.integer(UInt32.self, "turn.generation"))
    }
}

/// Its significant bytes only, so that equal numbers look equal.
extension SerialNumber: FramePart {
    static var leastBytes: Int { 3 }

    func append(to writer: inout FrameWriter) throws(PlanError) { try writer.byteString(bytes, in: PlanBounds.serial) }

    init(from reader: inout FrameReader) throws(PlanError) {
        let field = PlanBounds.serial.field
        let bytes = try reader.byteString(in: PlanBounds.serial)
        guard bytes.first != 0, let serial = Self(bytes: bytes) else { throw .order(field, "no leading zeros") }
        self = serial
    }
}

/// The kind (1 byte: 1 listener, 2 probe), the tunnel.
extension CredentialSubject: FramePart {
    static var leastBytes: Int { 17 }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        switch self {
        case .listener(let tunnel):
            writer.integer(UInt8(1))
            try writer.part(tunnel)
        case .probe(let tunnel):
            writer.integer(UInt8(2))
            try writer.part(tunnel)
        }
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        switch try reader.integer(UInt8.self, "credential.subject") {
        case 1: self = .listener(try reader.part(TunnelID.self))
        case 2: self = .probe(try reader.part(TunnelID.self))
        case let other: throw .value("credential.subject", other, allowed: "1 and 2")
        }
    }
}
