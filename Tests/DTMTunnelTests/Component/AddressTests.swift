import DTMCore
import NIOCore
import Testing

@testable import DTMTunnel

@Suite("Addresses between DTM and NIO")
struct AddressTests {
    @Test(
        "there and back",
        arguments: [
            "127.0.0.1:1", "127.255.255.254:5000", "1.2.3.4:65535", "[::1]:80", "[2001:db8::7]:443",
            "[::ffff:1.2.3.4]:9",
        ])
    func roundTrip(_ text: String) throws {
        let endpoint = try #require(Endpoint(text))
        let address = endpoint.socketAddress
        #expect(Endpoint(address) == endpoint)
        #expect(address == (try SocketAddress(ipAddress: endpoint.address.description, port: Int(endpoint.port))))
    }

    @Test("a Unix socket's path may be as long as Linux takes it")
    func longPath() {
        #expect(SocketAddress(unixPath: "/" + String(repeating: "x", count: 106)) != nil)
        #expect(SocketAddress(unixPath: "/" + String(repeating: "x", count: 107)) == nil)
    }

    @Test("a Unix socket's address is none, and so is no address")
    func none() throws {
        #expect(Endpoint(try SocketAddress(unixDomainSocketPath: "/tmp/x")) == nil)
        #expect(Endpoint(nil as SocketAddress?) == nil)
    }
}
