import DTMTestSupport
import DTMCore
import Glibc
import NIOCore
import Testing

@testable import DTMTunnel

@Suite("A tunnel's target", .serialized)
struct TargetTests {
    private func incidents(_ fixture: TunnelFixture) -> [Incident.Kind] {
        fixture.observer.current.incidents.map(\.kind)
    }

    @Test("a target that is away is refused to clients, and told once; so is its return")
    func awayAndBack() async throws {
        let address = TunnelFixture.freshEndpoint()
        let fixture = try await TunnelFixture.make(target: .tcp([address]))
        let credential = try fixture.goodCredential()
        for _ in 0..<3 { #expect(try await fixture.attempt(credential) == "refused target") }
        #expect(incidents(fixture) == [.targetUnreachable])
        #expect(fixture.observer.current.incidents.first?.reason.contains("refused") == true)
        #expect(fixture.server.counters.failed == 3)
        #expect(fixture.server.counters.active == 0)

        let target = try BlockingServer(at: address.address, port: address.port)
        for _ in 0..<2 { #expect(try await fixture.attempt(credential) == "accepted") }
        #expect(incidents(fixture) == [.targetUnreachable, .targetReachable])
        withExtendedLifetime(target) {}
        await fixture.close()
    }

    @Test("a connector's program sees a reset when the target is away, not an empty answer")
    func programSeesReset() async throws {
        let fixture = try await TunnelFixture.make(target: .tcp([TunnelFixture.freshEndpoint()]))
        let client = try BlockingSocket(connectedTo: fixture.connector)
        #expect(client.receiveAll() == nil)
        #expect(fixture.observer.current.failures.contains { $0.contains("target can't be reached") })
        await fixture.close()
    }

    @Test("a target that answers nobody is given up after the time for connecting")
    func silentTarget() async throws {
        // A full queue: the kernel drops further connection requests.
        let full = try BlockingServer(backlog: 0)
        let fillers = (0..<4).map { _ in BlockingSocket(connecting: full.endpoint) }
        let fixture = try await TunnelFixture.make(target: .tcp([full.endpoint])) {
            $0.connectTimeout = .milliseconds(200)
        }
        #expect(try await fixture.attempt(try fixture.goodCredential()) == "refused target")
        #expect(fixture.observer.current.incidents.first?.reason.contains("no answer in time") == true)
        withExtendedLifetime(fillers) {}
        await fixture.close()
    }

    @Test("the addresses of a target are tried in order until one answers")
    func severalAddresses() async throws {
        let target = try BlockingServer()
        let fixture = try await TunnelFixture.make(
            target: .tcp([TunnelFixture.freshEndpoint(), TunnelFixture.freshEndpoint(), target.endpoint]))
        #expect(try await fixture.attempt(try fixture.goodCredential()) == "accepted")
        #expect(fixture.observer.current.incidents.isEmpty)
        await fixture.close()
    }

    @Test("a Unix socket")
    func unixTarget() async throws {
        let target = try BlockingServer(path: "/tmp/dtm-target-\(UInt64.random(in: 0 ... .max))")
        let fixture = try await TunnelFixture.make(target: .unix(path: target.path)) { $0.proxyProtocol = true }
        let client = try BlockingSocket(connectedTo: fixture.connector)
        try client.send("hello")
        let served = try target.accept()
        let header = try #require(served.receive(exactly: 16))
        #expect(served.receive(exactly: Int(header[14]) << 8 | Int(header[15])) != nil)
        #expect(served.receive(exactly: 5) == Array("hello".utf8))
        served.endSending()
        #expect(client.receiveAll() == [])
        await fixture.close()
        #expect(fixture.server.counters.active == 0)
    }

    @Test("a client that goes while the target is dialled leaves nothing behind")
    func clientGoesEarly() async throws {
        let full = try BlockingServer(backlog: 0)
        let fillers = (0..<4).map { _ in BlockingSocket(connecting: full.endpoint) }
        let fixture = try await TunnelFixture.make(
            target: .tcp([full.endpoint]), dialLimits: .init(overall: .seconds(1), attempt: .milliseconds(200))
        ) { $0.connectTimeout = .seconds(3) }
        let client = try BlockingSocket(connectedTo: fixture.connector)
        #expect(eventually { fixture.server.counters.active > 0 })
        client.reset()
        #expect(
            eventually(.seconds(8)) { fixture.server.counters.active == 0 && fixture.sessions.openConnections == 0 })
        withExtendedLifetime(fillers) {}
        await fixture.close()
    }
}
