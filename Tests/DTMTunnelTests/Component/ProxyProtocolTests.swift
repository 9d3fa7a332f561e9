import DTMCore
import NIOCore
import Testing

@testable import DTMTunnel

@Suite("The PROXY protocol header")
struct ProxyProtocolTests {
    private let identity = "spiffe://td/client/x/uid-1"

    private func header(from source: Endpoint?, to destination: Endpoint) -> [UInt8] {
        Array(ProxyProtocol.header(source: source, destination: destination, identity: identity).readableBytesView)
    }

    /// The TLVs behind the addresses.
    private func values(_ bytes: some Sequence<UInt8>) -> [UInt8: [UInt8]] {
        var rest = Array(bytes)[...]
        var found: [UInt8: [UInt8]] = [:]
        while rest.count >= 3 {
            let start = rest.startIndex
            let length = Int(rest[start + 1]) << 8 | Int(rest[start + 2])
            guard rest.count >= 3 + length else { return [:] }
            found[rest[start]] = Array(rest[start + 3..<start + 3 + length])
            rest = rest.dropFirst(3 + length)
        }
        return rest.isEmpty ? found : [:]
    }

    @Test("IPv4, IPv6 and no address")
    func families() {
        let four = Endpoint(address: .v4(0x0102_0304), port: 0x0506)
        let six = Endpoint(address: .v6(high: 0x2001_0db8_0000_0000, low: 7), port: 0x1112)
        let cases: [(Endpoint?, Endpoint, UInt8, [UInt8])] = [
            (
                four, Endpoint(address: .v4(0x7f00_0001), port: 5_000), 0x11,
                [1, 2, 3, 4, 127, 0, 0, 1, 5, 6, 0x13, 0x88]
            ),
            (
                six, Endpoint(address: .v6(high: 0, low: 1), port: 5_000), 0x21,
                [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7] + [UInt8](repeating: 0, count: 15) + [1]
                    + [0x11, 0x12, 0x13, 0x88]
            ),
            (nil, four, 0x00, []), (four, six, 0x00, []),
        ]
        for (source, destination, family, addresses) in cases {
            let bytes = header(from: source, to: destination)
            #expect(Array(bytes[..<12]) == [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
            #expect(bytes[12] == 0x21)
            #expect(bytes[13] == family)
            #expect(Int(bytes[14]) << 8 | Int(bytes[15]) == bytes.count - 16)
            #expect(Array(bytes[16..<16 + addresses.count]) == addresses)
            let values = values(bytes.dropFirst(16 + addresses.count))
            #expect(values[0xe0] == Array(identity.utf8))
            // Client flags, no verification error, then the TLVs of their own.
            let ssl = values[0x20] ?? []
            #expect(Array(ssl.prefix(5)) == [7, 0, 0, 0, 0])
            #expect(self.values(ssl.dropFirst(5)) == [0x21: Array("TLSv1.3".utf8), 0x22: Array(identity.utf8)])
        }
    }
}
