import DTMTestSupport
import DTMCore
import Glibc
import NIOCore
import Testing

@testable import DTMTunnel

@Suite("A listener's roles", .serialized)
struct ListenerRoleTests {
    @Test("a live listener and one in its overlap serve; a decoy says where the tunnel is")
    func roles() async throws {
        try await withTunnel { fixture, target in
            let credential = try fixture.goodCredential()
            let elsewhere = TunnelFixture.freshEndpoint()
            fixture.server.update { $0.currentEndpoints = [elsewhere] }
            for (role, outcome) in [
                (ListenerRole.live, "accepted"), (.overlap, "accepted"), (.decoy, "moved \(elsewhere)"),
            ] {
                try await fixture.setRole(role)
                #expect(try await fixture.attempt(credential) == outcome)
            }
            // A client of ours at a decoy is no incident: it comes late.
            #expect(fixture.observer.current.incidents.isEmpty)
        }
    }

    @Test("a connector that comes to a decoy follows to the live endpoint")
    func follows() async throws {
        try await withTunnel { fixture, target in
            let live = try await fixture.open(TunnelFixture.freshEndpoint(), role: .live)
            let endpoint = try await live.eventLoop.submit { live.value.endpoint }.get()
            fixture.server.update { $0.currentEndpoints = [endpoint] }
            try await fixture.setRole(.decoy)
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("hello")
            #expect(try target.accept().receive(exactly: 5) == Array("hello".utf8))
            try await live.eventLoop.flatSubmit { live.value.close() }.get()
        }
    }

    @Test("the probe is led nowhere, and is counted nowhere")
    func probe() async throws {
        try await withTunnel { fixture, target in
            let probe = try fixture.authority.credential(
                try fixture.authority.clientIdentity(fixture.tunnel, who: "probe"))
            #expect(try await fixture.attempt(probe) == "moved ")
            #expect(!target.hasVisitor)
            #expect(fixture.server.counters.total == 0)
            #expect(fixture.observer.current.incidents.isEmpty)
        }
    }

    @Test("connections that are open stay as they are whatever the role becomes")
    func openConnections() async throws {
        try await withTunnel { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            let served = try target.accept()
            try await fixture.setRole(.overlap)
            try await fixture.setRole(.decoy)
            try await fixture.listener.eventLoop.flatSubmit { [listener = fixture.listener] in listener.value.close() }
                .get()
            try client.send("still here")
            #expect(served.receive(exactly: 10) == Array("still here".utf8))
            try served.send("and back")
            #expect(client.receive(exactly: 8) == Array("and back".utf8))
        }
    }

    @Test("closing resets nobody, however many come at that moment")
    func closesGently() async throws {
        try await withTunnel { fixture, target in
            for _ in 0..<10 {
                let endpoint = TunnelFixture.freshEndpoint()
                let listener = try await fixture.open(endpoint, role: .live)
                let outcomes = Hammer.start(endpoint, threads: 2)
                // Somebody has come, so that the queue is in use when it closes.
                #expect(eventually { outcomes.count > 20 })
                try await listener.eventLoop.flatSubmit { listener.value.close() }.get()
                try outcomes.stop()
                #expect(outcomes.resets == 0)
            }
        }
    }

    @Test("an endpoint that another program holds can't be listened on")
    func taken() async throws {
        try await withTunnel { fixture, target in
            let endpoint = TunnelFixture.freshEndpoint()
            let other = try BlockingServer(at: endpoint.address, port: endpoint.port)
            let error = await #expect(throws: TunnelError.self) { try await fixture.open(endpoint, role: .decoy) }
            #expect(error?.code == .bind)
            #expect((error?.cause as? IOError)?.errnoCode == EADDRINUSE)
            withExtendedLifetime(other) {}
        }
    }

    @Test("two listeners of this process never share an endpoint")
    func unshared() async throws {
        try await withTunnel { fixture, target in
            await #expect(throws: TunnelError.self) { try await fixture.open(fixture.endpoint, role: .decoy) }
        }
    }
}
