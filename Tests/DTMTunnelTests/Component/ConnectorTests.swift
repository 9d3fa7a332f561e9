import DTMTestSupport
import DTMCore
import DTMSecrets
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOSSL
import Testing

@testable import DTMTunnel

@Suite("A connector", .serialized)
struct ConnectorTests {
    private func expectService(_ fixture: TunnelFixture, _ target: BlockingServer) throws {
        let client = try BlockingSocket(connectedTo: fixture.connector)
        try client.send("hello")
        let served = try target.accept()
        #expect(served.receive(exactly: 5) == Array("hello".utf8))
        try served.send("and back")
        #expect(client.receive(exactly: 8) == Array("and back".utf8))
    }

    enum Place: String, CaseIterable, Sendable {
        case first, sixth, twentyFirst, last, previousEpoch, nextGeneration, thirdGeneration, nextEpoch
    }

    @Test("finds the tunnel by the schedule when nothing answers at the published endpoint", arguments: Place.allCases)
    func schedule(_ place: Place) async throws {
        try await withTunnel { fixture, target in
            let now = fixture.schedule.epoch(at: fixture.authority.time.now())
            let (epoch, generation, candidate): (UInt64, UInt32, Int) =
                switch place {
                case .first: (now, 0, 0)
                case .sixth: (now, 0, 5)
                case .twentyFirst: (now, 0, 20)
                case .last: (now, 0, EndpointSchedule.maximumCandidates - 1)
                case .previousEpoch: (now - 1, 0, 2)
                case .nextGeneration: (now, 1, 1)
                case .thirdGeneration: (now, 3, 3)
                case .nextEpoch: (now + 1, 0, 0)
                }
            let turn = ScheduleTurn(epoch: epoch, generation: generation)
            let found = fixture.schedule.candidate(candidate, turn: turn, windowKey: fixture.windowKey.bytes)
            let endpoint = try #require(found)
            let live = try await fixture.open(endpoint, role: .live)
            for published in [nil, TunnelFixture.freshEndpoint()] {
                let windows = (-1...1).map { fixture.schedule.window(of: UInt64(Int64(now) + $0)) }
                try fixture.publish(
                    published,
                    windowKeys: Dictionary(
                        windows.map { ($0, fixture.windowKey) }, uniquingKeysWith: { first, _ in first }))
                try expectService(fixture, target)
            }
            #expect(fixture.source.squatters.withLockedValue { $0 }.isEmpty)
            try await live.eventLoop.flatSubmit { live.value.close() }.get()
        }
    }

    @Test("waits for news when it knows nothing, and serves as soon as it comes")
    func waits() async throws {
        try await withTunnel { fixture, target in
            fixture.source.box.withLockedValue { $0 = nil }
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("hello")
            #expect(!target.hasVisitor)
            try fixture.publish(fixture.endpoint)
            #expect(try target.accept().receive(exactly: 5) == Array("hello".utf8))
        }
    }

    @Test("gives up in time, and the program sees a reset")
    func givesUp() async throws {
        try await withTunnel(dialLimits: .init(overall: .milliseconds(400), attempt: .milliseconds(200))) {
            fixture, target in
            try fixture.publish(TunnelFixture.freshEndpoint())
            let client = try BlockingSocket(connectedTo: fixture.connector)
            #expect(client.receiveAll() == nil)
            #expect(fixture.observer.current.failures.contains { $0.contains("no endpoint of the tunnel accepted") })
        }
    }

    @Test("sends nothing of the program's to whoever else answers, reports it, and goes on to the tunnel")
    func squatters() async throws {
        let foreign = try await TunnelFixture.make(target: .tcp([TunnelFixture.freshEndpoint()]))
        let echo = try BlockingServer()
        try await withTunnel { fixture, target in
            let turn = ScheduleTurn(epoch: fixture.schedule.epoch(at: fixture.authority.time.now()), generation: 0)
            let found = fixture.schedule.candidate(0, turn: turn, windowKey: fixture.windowKey.bytes)
            let endpoint = try #require(found)
            let live = try await fixture.open(endpoint, role: .live)
            let keys = [fixture.schedule.window(of: turn.epoch): fixture.windowKey]
            var heard: [UInt8] = []
            let squatter = inBackground {
                let visitor = try echo.accept()
                while let bytes = visitor.receive(), !bytes.isEmpty {
                    heard += bytes
                    try? visitor.send(bytes)
                }
            }
            for place in [echo.endpoint, foreign.endpoint] {
                try fixture.publish(place, windowKeys: keys)
                let client = try BlockingSocket(connectedTo: fixture.connector)
                try client.send("a secret of the program")
                #expect(try target.accept().receive(exactly: 23) == Array("a secret of the program".utf8))
                #expect(fixture.source.squatters.withLockedValue { $0 }.last == place)
            }
            try squatter()
            #expect(!heard.isEmpty)
            #expect(!String(decoding: heard, as: UTF8.self).contains("secret"))
            try await live.eventLoop.flatSubmit { live.value.close() }.get()
        }
        await foreign.close()
    }

    @Test("passes by who accepts and says nothing, and reports it once the tunnel has answered elsewhere")
    func silence() async throws {
        let mute = try BlockingServer()
        let limits = DialLimits(overall: .seconds(15), attempt: .seconds(2), patience: .milliseconds(50))
        try await withTunnel(dialLimits: limits) { fixture, target in
            let now = fixture.schedule.epoch(at: fixture.authority.time.now())
            let turn = ScheduleTurn(epoch: now, generation: 0)
            let found = fixture.schedule.candidate(0, turn: turn, windowKey: fixture.windowKey.bytes)
            let live = try await fixture.open(try #require(found), role: .live)
            try fixture.publish(mute.endpoint, windowKeys: [fixture.schedule.window(of: now): fixture.windowKey])
            try expectService(fixture, target)
            // Served before the silent one's time was up.
            #expect(fixture.source.squatters.withLockedValue { $0 }.isEmpty)
            #expect(eventually { fixture.source.squatters.withLockedValue { $0 } == [mute.endpoint] })
            try await live.eventLoop.flatSubmit { live.value.close() }.get()
        }
    }

    @Test("does not accuse who is silent when the tunnel answers nowhere")
    func silenceWithoutTunnel() async throws {
        let mute = try BlockingServer()
        let limits = DialLimits(overall: .milliseconds(600), attempt: .milliseconds(200), patience: .milliseconds(50))
        try await withTunnel(dialLimits: limits) { fixture, target in
            try fixture.publish(mute.endpoint)
            let client = try BlockingSocket(connectedTo: fixture.connector)
            #expect(client.receiveAll() == nil)
            #expect(fixture.source.squatters.withLockedValue { $0 }.isEmpty)
        }
    }

    @Test("another tunnel of the same manager is no squatter")
    func otherTunnel() async throws {
        try await withTunnel { fixture, target in
            let other = try fixture.authority.credential(try fixture.authority.listenerIdentity(.random()))
            let context = try TunnelTLS.serverContext(other)
            fixture.server.update { $0.context = context }
            #expect(try await fixture.attempt(try fixture.goodCredential()) == "otherTunnel")
        }
    }

    @Test("asks for another identity when its own is not accepted, and serves with the new one")
    func identityNotAccepted() async throws {
        try await withTunnel { fixture, target in
            let client = try fixture.authority.clientIdentity(fixture.tunnel)
            let expired = try fixture.authority.credential(client, lifetime: .seconds(60), age: .seconds(120))
            try fixture.publish(fixture.endpoint, credential: expired)
            let program = try BlockingSocket(connectedTo: fixture.connector)
            try program.send("hello")
            #expect(eventually { fixture.source.rejections.withLockedValue { $0 } > 0 })
            #expect(!target.hasVisitor)
            try fixture.publish(fixture.endpoint)
            #expect(try target.accept().receive(exactly: 5) == Array("hello".utf8))
        }
    }

    @Test("an attempt leaves no connection behind, whatever came of it")
    func nothingLingers() async throws {
        try await withTunnel { fixture, target in
            try await fixture.setRole(.decoy)
            let credential = try fixture.goodCredential()
            for _ in 0..<20 { #expect(try await fixture.attempt(credential) == "moved ") }
            // At once: the time-out of a TLS goodbye that nobody reads is five seconds.
            #expect(eventually(.seconds(2)) { fixture.sessions.openConnections == 0 })
        }
    }

    @Test("a server that is draining is passed over")
    func draining() async throws {
        try await withTunnel(dialLimits: .init(overall: .milliseconds(500), attempt: .milliseconds(300))) {
            fixture, target in
            fixture.server.update { $0.isDraining = true }
            #expect(try await fixture.attempt(try fixture.goodCredential()) == "refused draining")
            let program = try BlockingSocket(connectedTo: fixture.connector)
            #expect(program.receiveAll() == nil)
            #expect(fixture.observer.current.failures.contains { $0.contains("shutting down") })
        }
    }
}
