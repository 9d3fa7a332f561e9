import DTMCore
import NIOCore

/// The header that tells a target who connects: PROXY protocol version 2 (HAProxy's `proxy-protocol.txt`, section 2.2).
enum ProxyProtocol {
    private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    private static let versionAndCommand: UInt8 = 0x21
    private static let typeSSL: UInt8 = 0x20
    private static let subtypeSSLVersion: UInt8 = 0x21
    private static let subtypeSSLCommonName: UInt8 = 0x22
    /// The first of the types that are free for applications (section 2.2.7): the client's SPIFFE ID.
    static let typeSPIFFEID: UInt8 = 0xe0
    /// The client spoke TLS, and showed a certificate on this connection and in this session.
    private static let clientFlags: UInt8 = 0x01 | 0x02 | 0x04

    /// The header for a connection from `source` to `destination`. Without a source, or with mixed families, the
    /// addresses are left out (`AF_UNSPEC`); the identity is always there, as the certificate's name in the SSL TLV and
    /// alone in the TLV 0xE0.
    static func header(source: Endpoint?, destination: Endpoint, identity: String) -> ByteBuffer {
        var body = ByteBuffer()
        let family = writeAddresses(source: source, destination: destination, to: &body)
        writeTLVs(identity: identity, to: &body)
        var header = ByteBuffer(bytes: signature)
        header.writeInteger(versionAndCommand)
        header.writeInteger(family)
        header.writeInteger(UInt16(body.readableBytes))
        header.writeImmutableBuffer(body)
        return header
    }

    private static func writeAddresses(source: Endpoint?, destination: Endpoint, to body: inout ByteBuffer) -> UInt8 {
        guard let source else { return 0x00 }
        switch (source.address, destination.address) {
        case (.v4(let from), .v4(let to)):
            body.writeInteger(from)
            body.writeInteger(to)
            body.writeInteger(source.port)
            body.writeInteger(destination.port)
            return 0x11
        case (.v6(let fromHigh, let fromLow), .v6(let toHigh, let toLow)):
            for word in [fromHigh, fromLow, toHigh, toLow] { body.writeInteger(word) }
            body.writeInteger(source.port)
            body.writeInteger(destination.port)
            return 0x21
        default: return 0x00
        }
    }

    private static func writeTLVs(identity: String, to body: inout ByteBuffer) {
        var ssl = ByteBuffer()
        ssl.writeInteger(clientFlags)
        ssl.writeInteger(UInt32(0))
        write(subtypeSSLVersion, "TLSv1.3", to: &ssl)
        write(subtypeSSLCommonName, identity, to: &ssl)
        body.writeInteger(typeSSL)
        body.writeInteger(UInt16(ssl.readableBytes))
        body.writeImmutableBuffer(ssl)
        write(typeSPIFFEID, identity, to: &body)
    }

    private static func write(_ type: UInt8, _ value: String, to buffer: inout ByteBuffer) {
        buffer.writeInteger(type)
        buffer.writeInteger(UInt16(value.utf8.count))
        buffer.writeString(value)
    }
}
