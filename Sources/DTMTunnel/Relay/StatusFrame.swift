public import DTMCore
public import NIOCore

/// What the server says once, first thing after the handshake. See `docs/rotation-protocol.md`, "Status frame".
///
/// In TLS 1.3 a client is done before the server has judged it. So a client sends no application byte before
/// ``accepted``, which makes it safe to try again elsewhere, and lets it read why it was refused.
///
/// Layout: version (1 byte, 1), type (1 byte), payload length (2 bytes, big-endian, at most 1,024), payload.
public enum StatusFrame: Hashable, Sendable {
    /// The target is connected: what follows is the application's.
    case accepted
    /// Not here: at these endpoints, the best first; 0 to 8.
    case moved([Endpoint])
    /// No, and why.
    case refused(Refusal, reason: String)

    /// Why a server refuses.
    public enum Refusal: UInt8, Hashable, Sendable, CaseIterable {
        /// The identity may not use this tunnel.
        case identity = 1
        /// Too many connections.
        case limit = 2
        /// The target did not answer.
        case target = 3
        /// The server is shutting down.
        case draining = 4
    }

    public static let version: UInt8 = 1
    public static let headerBytes = 4
    public static let maximumPayloadBytes = 1_024
    public static let maximumEndpoints = 8
    public static let maximumReasonBytes = 200
}

extension StatusFrame {
    /// Appends the frame. Endpoints and text over their bounds are left out.
    public func write(to buffer: inout ByteBuffer) {
        var payload = ByteBuffer()
        let type: UInt8
        switch self {
        case .accepted: type = 1
        case .moved(let endpoints):
            type = 2
            let listed = endpoints.prefix(Self.maximumEndpoints)
            payload.writeInteger(UInt8(listed.count))
            for endpoint in listed { Self.write(endpoint, to: &payload) }
        case .refused(let refusal, let reason):
            type = 3
            payload.writeInteger(refusal.rawValue)
            payload.writeBytes(Self.bounded(reason))
        }
        buffer.writeInteger(Self.version)
        buffer.writeInteger(type)
        buffer.writeInteger(UInt16(payload.readableBytes))
        buffer.writeImmutableBuffer(payload)
    }

    /// Takes one frame off the front of `buffer`.
    ///
    /// - Returns: nil while the frame is not whole; `buffer` is then as it was.
    /// - Throws: ``TunnelError`` `malformedStatusFrame` for anything that is not a frame of this version.
    public static func read(from buffer: inout ByteBuffer) throws(TunnelError) -> Self? {
        let start = buffer.readerIndex
        guard
            let version = buffer.getInteger(at: start, as: UInt8.self),
            let type = buffer.getInteger(at: start + 1, as: UInt8.self),
            let length = buffer.getInteger(at: start + 2, as: UInt16.self)
        else { return nil }
        guard version == Self.version, length <= maximumPayloadBytes else {
            throw malformed("version \(version), \(length) bytes")
        }
        guard buffer.readableBytes >= headerBytes + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: headerBytes)
        guard var payload = buffer.readSlice(length: Int(length)) else { return nil }
        let frame = try parse(type: type, &payload)
        guard payload.readableBytes == 0 else { throw malformed("bytes after the payload") }
        return frame
    }

    private static func parse(type: UInt8, _ payload: inout ByteBuffer) throws(TunnelError) -> Self {
        switch type {
        case 1: return .accepted
        case 2:
            guard let count = payload.readInteger(as: UInt8.self), count <= maximumEndpoints else {
                throw malformed("the number of endpoints")
            }
            var endpoints: [Endpoint] = []
            for _ in 0..<count { endpoints.append(try readEndpoint(&payload)) }
            return .moved(endpoints)
        case 3:
            guard let code = payload.readInteger(as: UInt8.self), let refusal = Refusal(rawValue: code),
                payload.readableBytes <= maximumReasonBytes
            else { throw malformed("the refusal") }
            let reason = String(decoding: payload.readableBytesView, as: UTF8.self)
            payload.moveReaderIndex(forwardBy: payload.readableBytes)
            return .refused(refusal, reason: reason)
        default: throw malformed("type \(type)")
        }
    }

    private static func write(_ endpoint: Endpoint, to payload: inout ByteBuffer) {
        switch endpoint.address {
        case .v4(let address):
            payload.writeInteger(UInt8(4))
            payload.writeInteger(address)
        case .v6(let high, let low):
            payload.writeInteger(UInt8(6))
            payload.writeInteger(high)
            payload.writeInteger(low)
        }
        payload.writeInteger(endpoint.port)
    }

    private static func readEndpoint(_ payload: inout ByteBuffer) throws(TunnelError) -> Endpoint {
        switch payload.readInteger(as: UInt8.self) {
        case 4:
            if let address = payload.readInteger(as: UInt32.self), let port = payload.readInteger(as: UInt16.self) {
                return Endpoint(address: .v4(address), port: port)
            }
        case 6:
            if let high = payload.readInteger(as: UInt64.self), let low = payload.readInteger(as: UInt64.self),
                let port = payload.readInteger(as: UInt16.self)
            {
                return Endpoint(address: .v6(high: high, low: low), port: port)
            }
        default: break
        }
        throw malformed("an endpoint")
    }

    /// At most 200 bytes of UTF-8, cut between characters.
    private static func bounded(_ reason: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for character in reason {
            let encoded = Array(String(character).utf8)
            if bytes.count + encoded.count > maximumReasonBytes { break }
            bytes += encoded
        }
        return bytes
    }

    private static func malformed(_ what: String) -> TunnelError {
        TunnelError(code: .malformedStatusFrame, message: "the server's status frame can't be read: \(what)")
    }
}
