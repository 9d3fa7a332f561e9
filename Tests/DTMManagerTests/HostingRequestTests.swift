import DTMConnector
import Testing

@testable import DTMManager

@Suite struct HostingRequestTests {
    @Test(
        "A loopback address and a port are served",
        arguments: [
            ("127.0.0.1:6380", ConnectorOffer.tcp(host: "127.0.0.1", port: 6_380)),
            ("localhost:0", .tcp(host: "127.0.0.1", port: 0)), ("[::1]:8080", .tcp(host: "::1", port: 8_080)),
            ("127.9.8.7:1024", .tcp(host: "127.9.8.7", port: 1_024)),
        ])
    func listen(text: String, offer: ConnectorOffer) throws {
        #expect(try HostingRequest.offer(listen: text, unix: nil, maySteer: false) == offer)
    }

    @Test(
        "Everything else is refused, with what is allowed",
        arguments: [
            ("0.0.0.0:80", nil, true), ("192.0.2.1:80", nil, true), ("nonsense", nil, true), (nil, nil, true),
            ("127.0.0.1:1", "/tmp/x", true), (nil, "relative", true), (nil, "/tmp/\0x", true),
            (nil, "/" + String(repeating: "x", count: 200), true), ("127.0.0.1:1023", nil, false),
            (nil, "/tmp/x.sock", false),
        ] as [(String?, String?, Bool)])
    func refused(listen: String?, unix: String?, maySteer: Bool) {
        let error = #expect(throws: ManagerError.self) {
            try HostingRequest.offer(listen: listen, unix: unix, maySteer: maySteer)
        }
        #expect(error?.code == .requestInvalid || error?.code == .notPermitted)
    }
}
