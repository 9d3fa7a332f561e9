import DTMTestSupport
import DTMCore
import NIOCore
import NIOSSL
import Testing

@testable import DTMTunnel

@Suite("Large and small transfers", .serialized)
struct TransferTests {
    /// Bytes that can be told by their place.
    private static func stream(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            let word = generator.next()
            for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * UInt64(shift)))) }
        }
        return Array(bytes.prefix(count))
    }

    @Test("both directions at once, each whole and in order")
    func bothDirections() async throws {
        try await withTunnel { fixture, target in
            let up = Self.stream(6 << 20, seed: 1)
            let down = Self.stream(7 << 20, seed: 2)
            let client = try BlockingSocket(connectedTo: fixture.connector)
            let served = try target.accept()
            let work = [
                inBackground {
                    try client.send(up); client.endSending()
                },
                inBackground {
                    try served.send(down); served.endSending()
                },
                inBackground {
                    let isWhole = served.receiveAll() == up
                    #expect(isWhole)
                },
            ]
            let isWhole = client.receiveAll() == down
            #expect(isWhole)
            for wait in work { try wait() }
            #expect(eventually { fixture.observer.current.flows.count == 1 })
            let flow = try #require(fixture.observer.current.flows.first)
            #expect(flow.ending == .finished)
            #expect(flow.bytesIn == UInt64(up.count))
            #expect(flow.bytesOut == UInt64(down.count))
        }
    }

    @Test("many small messages, one after the other")
    func pingPong() async throws {
        try await withTunnel { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            let served = try target.accept()
            let echo = inBackground {
                while let bytes = served.receive(), !bytes.isEmpty { try served.send(bytes) }
                served.endSending()
            }
            for number in 0..<2_000 {
                let message = "message \(number)"
                try client.send(message)
                #expect(client.receive(exactly: message.utf8.count) == Array(message.utf8))
            }
            client.endSending()
            #expect(client.receiveAll() == [])
            try echo()
        }
    }

    @Test("what a client sends before it may is kept for the target, its end included")
    func earlyData() async throws {
        try await withTunnel { fixture, target in
            let credential = try fixture.goodCredential()
            let settings = try Intruder.settings(TestKey(credential.signer), chain: credential.chain)
            let echo = inBackground {
                let served = try target.accept()
                #expect(served.receive(exactly: 5) == Array("early".utf8))
                try served.send("late")
                served.endSending()
            }
            let visit = try await Intruder.visit(
                fixture.endpoint, settings, send: Array("early".utf8), on: fixture.group)
            try echo()
            #expect(visit.received == [1, 1, 0, 0] + Array("late".utf8))
        }
    }

    @Test("a hundred connections at once, each with its own bytes")
    func manyAtOnce() async throws {
        try await withTunnel { fixture, target in
            let echo = inBackground {
                for _ in 0..<100 {
                    let served = try target.accept()
                    let bytes = try #require(served.receiveAll())
                    try served.send(bytes)
                }
            }
            let clients = try (0..<100).map { _ in try BlockingSocket(connectedTo: fixture.connector) }
            for (number, client) in clients.enumerated() {
                try client.send(Self.stream(1_000, seed: UInt64(number)))
                client.endSending()
            }
            for (number, client) in clients.enumerated() {
                let isWhole = client.receiveAll() == Self.stream(1_000, seed: UInt64(number))
                #expect(isWhole, "connection \(number)")
            }
            try echo()
            #expect(eventually { fixture.server.counters.active == 0 && fixture.sessions.openConnections == 0 })
            #expect(fixture.server.counters.total == 100)
        }
    }
}
