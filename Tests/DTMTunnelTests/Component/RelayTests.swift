import DTMTestSupport
import DTMCore
import NIOCore
import Testing

@testable import DTMTunnel

@Suite("What goes through a tunnel", .serialized)
struct RelayTests {
    @Test("a request and its answer")
    func roundTrip() async throws {
        try await withTunnel { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("ping")
            let served = try target.accept()
            #expect(served.receive(exactly: 4) == Array("ping".utf8))
            try served.send("pong")
            #expect(client.receive(exactly: 4) == Array("pong".utf8))
        }
    }

    @Test("a target that speaks first is heard first")
    func targetFirst() async throws {
        try await withTunnel { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            let served = try target.accept()
            try served.send("220 ready")
            #expect(client.receive(exactly: 9) == Array("220 ready".utf8))
        }
    }

    @Test("the end of one direction leaves the other open, both ways round")
    func halfClose() async throws {
        try await withTunnel { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("all of it")
            client.endSending()
            let served = try target.accept()
            #expect(served.receiveAll() == Array("all of it".utf8))
            try served.send("answer after the end")
            #expect(client.receive(exactly: 20) == Array("answer after the end".utf8))
            served.endSending()
            #expect(client.receiveAll() == [])

            let second = try BlockingSocket(connectedTo: fixture.connector)
            let other = try target.accept()
            try other.send("bye")
            other.endSending()
            #expect(second.receiveAll() == Array("bye".utf8))
            try second.send("still here")
            second.endSending()
            #expect(other.receiveAll() == Array("still here".utf8))
            #expect(eventually { fixture.observer.current.flows.count == 2 })
            #expect(fixture.observer.current.flows.allSatisfy { $0.ending == .finished })
        }
    }

    @Test("a large answer arrives whole although the target closes right after it")
    func largeAnswer() async throws {
        try await withTunnel { fixture, target in
            let body = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
            let client = try BlockingSocket(connectedTo: fixture.connector)
            client.endSending()
            let served = try target.accept()
            let sender = inBackground {
                try served.send(body); served.endSending()
            }
            let isWhole = client.receiveAll() == body
            #expect(isWhole)
            try sender()
            #expect(eventually { fixture.observer.current.flows.first?.bytesOut == UInt64(body.count) })
        }
    }

    @Test("a target that breaks off is a reset for the client, never a clean end")
    func targetBreaks() async throws {
        try await withTunnel { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("x")
            let served = try target.accept()
            #expect(served.receive(exactly: 1) == [0x78])
            served.reset()
            #expect(client.receiveAll() == nil)
            #expect(eventually { fixture.observer.current.flows.first?.ending == .targetBroke })
        }
    }

    @Test("a client that breaks off is a reset for the target, never a clean end")
    func clientBreaks() async throws {
        try await withTunnel { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("x")
            let served = try target.accept()
            #expect(served.receive(exactly: 1) == [0x78])
            client.reset()
            #expect(served.receiveAll() == nil)
            #expect(eventually { fixture.observer.current.flows.first?.ending == .clientBroke })
        }
    }

    @Test("a side that does not read stops the other side from sending")
    func backpressure() async throws {
        try await withTunnel { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            client.endSending()
            let served = try target.accept()
            var sent = 0
            let chunk = [UInt8](repeating: 7, count: 65_536)
            // Far more than all socket buffers on the way: sending must stall before it is through.
            while sent < 512 << 20, sendWithoutWaiting(served, chunk) { sent += chunk.count }
            #expect(sent < 512 << 20)
            served.endSending()
            #expect(client.receive(exactly: 1 << 20)?.count == 1 << 20)
        }
    }

    @Test("the target is told who connects, when it asks for that")
    func proxyProtocol() async throws {
        try await withTunnel(change: { $0.proxyProtocol = true }) { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("hello")
            let served = try target.accept()
            let header = try #require(served.receive(exactly: 16))
            #expect(header.prefix(12) == [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
            #expect(header[12] == 0x21)
            #expect(header[13] == 0x11)
            let rest = try #require(served.receive(exactly: Int(header[14]) << 8 | Int(header[15])))
            let identity = try fixture.authority.clientIdentity(fixture.tunnel).description
            #expect(String(decoding: rest, as: UTF8.self).contains(identity))
            #expect(served.receive(exactly: 5) == Array("hello".utf8))
        }
    }

    @Test("a connection that is silent for too long ends, and one that is too old")
    func timeLimits() async throws {
        for change in [{ $0.idleTimeout = .seconds(1) }, { $0.maximumAge = .seconds(1) }]
            as [(inout TunnelServer.Settings) -> Void]
        {
            try await withTunnel(change: change) { fixture, target in
                let client = try BlockingSocket(connectedTo: fixture.connector)
                try client.send("x")
                let served = try target.accept()
                #expect(served.receive(exactly: 1) == [0x78])
                #expect(served.receiveAll() == nil)
                #expect(
                    eventually { [.idleTimeout, .maximumAge].contains(fixture.observer.current.flows.first?.ending) })
            }
        }
    }

    @Test("descriptors are given back")
    func descriptors() async throws {
        try await withTunnel { fixture, target in
            for _ in 0..<50 {
                let client = try BlockingSocket(connectedTo: fixture.connector)
                try client.send("x")
                client.endSending()
                let served = try target.accept()
                #expect(served.receiveAll() == [0x78])
            }
            #expect(eventually { fixture.server.counters.active == 0 && fixture.sessions.openConnections == 0 })
            #expect(fixture.server.counters.total == 50)
            #expect(fixture.server.counters.bytesIn == 50)
        }
    }
}
