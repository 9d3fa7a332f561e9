import DTMTestSupport
import DTMCore
import NIOCore
import Testing

@testable import DTMTunnel

@Suite("Revocation of who is connected", .serialized)
struct RevocationTests {
    /// A connection of which a byte is through, so that its session is relaying; before, the connector would try again.
    private func connected(
        _ fixture: TunnelFixture, _ target: BlockingServer
    ) throws -> (client: BlockingSocket, served: BlockingSocket) {
        let client = try BlockingSocket(connectedTo: fixture.connector)
        let served = try target.accept()
        try client.send("x")
        #expect(served.receive(exactly: 1) == [0x78])
        return (client, served)
    }

    @Test("cuts the sessions of the identity or the serial number, and no other")
    func cuts() async throws {
        for bySerial in [false, true] {
            try await withTunnel { fixture, target in
                let alice = try fixture.authority.clientIdentity(fixture.tunnel, who: "alice")
                let credential = try fixture.authority.credential(alice)
                try fixture.publish(fixture.endpoint, credential: credential)
                let (first, firstServed) = try connected(fixture, target)
                try first.send("x")
                #expect(firstServed.receive(exactly: 1) == [0x78])
                try fixture.publish(fixture.endpoint)
                let (second, secondServed) = try connected(fixture, target)

                let serial = try fixture.authority.serial(of: credential)
                fixture.sessions.cut(
                    identities: bySerial ? [] : [alice.description], serials: bySerial ? [serial] : [])
                #expect(first.receiveAll() == nil)
                #expect(firstServed.receiveAll() == nil)
                try second.send("still here")
                #expect(secondServed.receive(exactly: 10) == Array("still here".utf8))
                #expect(eventually { fixture.observer.has(.connectionCut) })
                let record = fixture.observer.current
                #expect(record.incidents.map(\.kind) == [.connectionCut])
                #expect(record.incidents.first?.identity == alice.description)
                #expect(record.flows.map(\.ending) == [.revoked])
                #expect(fixture.server.counters.active == 1)
            }
        }
    }

    @Test("cuts those who are between their certificate and the end of their handshake")
    func cutsInBetween() throws {
        let peer = AuthenticatedPeer(
            identity: try #require(SPIFFEID("spiffe://td/client/x")), serial: try #require(SerialNumber(bytes: [1])))
        let check = PeerCheck(authenticator: AcceptingAll(peer: peer), expectation: .client(of: .random()))
        #expect(check.candidate == nil)
        _ = check.judge([])
        #expect(check.candidate == peer)
    }

    @Test("the removal of a tunnel cuts all of its sessions, whatever they are at, and is no incident")
    func removal() async throws {
        try await withTunnel { fixture, target in
            let (client, served) = try connected(fixture, target)
            let silent = try BlockingSocket(connectedTo: fixture.endpoint)
            #expect(eventually { fixture.sessions.openConnections == 2 })
            fixture.sessions.cut(tunnel: fixture.tunnel, .tunnelRemoved)
            #expect(client.receiveAll() == nil)
            #expect(served.receiveAll() == nil)
            #expect(silent.receiveAll() == nil)
            #expect(eventually { fixture.observer.current.flows.map(\.ending) == [.tunnelRemoved] })
            #expect(fixture.observer.current.incidents.isEmpty)
            #expect(eventually { fixture.sessions.openConnections == 0 })
        }
    }
}

private struct AcceptingAll: PeerAuthenticator {
    let peer: AuthenticatedPeer

    func authenticate(chain: [[UInt8]], expecting: PeerExpectation) -> Result<AuthenticatedPeer, PeerRefusal> {
        .success(peer)
    }
}
