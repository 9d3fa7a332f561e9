import DTMCore
import DTMTestSupport
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import DTMTunnel

@Suite("The callers of a connector", .serialized)
struct CallerTests {
    /// Answers when the test says so.
    private final class SlowLookup: CallerLookup {
        let asked = NIOLockedValueBox<[(peer: LocalPeer, promise: EventLoopPromise<String?>)]>([])

        func refusal(of peer: LocalPeer, on loop: any EventLoop) -> EventLoopFuture<String?> {
            let promise = loop.makePromise(of: String?.self)
            asked.withLockedValue { $0.append((peer, promise)) }
            return promise.futureResult
        }

        func answer(_ result: Result<String?, any Error>) {
            let waiting = asked.withLockedValue { asked in
                defer { asked = [] }
                return asked
            }
            for question in waiting { question.promise.completeWith(result) }
        }
    }

    private struct Unknown: Error {}

    private func withConnector(
        _ body: (TunnelFixture, SlowLookup, Endpoint, BlockingServer) throws -> Void
    ) async throws {
        try await withTunnel { fixture, target in
            let lookup = SlowLookup()
            let listener = ConnectorListener(
                source: fixture.source, observer: fixture.observer, callers: lookup, time: fixture.authority.time,
                group: fixture.group)
            let channel = try await listener.listen(on: try #require(Endpoint("127.0.0.1:0"))).get()
            try body(fixture, lookup, try #require(Endpoint(channel.localAddress)), target)
            try await channel.close()
        }
    }

    @Test("are asked about before a byte of theirs is passed on")
    func asked() async throws {
        try await withConnector { fixture, lookup, endpoint, target in
            let client = try BlockingSocket(connectedTo: endpoint)
            try client.send("hello")
            #expect(eventually { lookup.asked.withLockedValue { $0.count } == 1 })
            let peer = lookup.asked.withLockedValue { $0.first?.peer }
            guard case .tcp(_, endpoint)? = peer else {
                Issue.record("the peer is \(String(describing: peer))")
                return
            }
            #expect(!target.hasVisitor)
            lookup.answer(.success(nil))
            #expect(try target.accept().receive(exactly: 5) == Array("hello".utf8))
        }
    }

    @Test("are known to the listener by the user of their socket, from the first byte on")
    func owner() async throws {
        try await withTunnel { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("hello")
            let served = try target.accept()
            #expect(served.receive(exactly: 5) == Array("hello".utf8))
            let start = fixture.observer.current.starts.first
            #expect(start?.owner?.uid == geteuid())
            #expect(start?.owner?.inode != 0)
            #expect(start?.local == fixture.endpoint)
            #expect(start?.identity.contains("/client/") == true)
        }
    }

    @Test("are broken off when they may not, and when nobody can say who they are")
    func refused() async throws {
        try await withConnector { fixture, lookup, endpoint, target in
            for answer in [Result<String?, any Error>.success("it is not you"), .failure(Unknown())] {
                let client = try BlockingSocket(connectedTo: endpoint)
                try client.send("hello")
                #expect(eventually { lookup.asked.withLockedValue { $0.count } == 1 })
                lookup.answer(answer)
                #expect(client.receiveAll() == nil)
            }
            #expect(!target.hasVisitor)
            #expect(fixture.observer.current.failures == ["it is not you", "who it is could not be found out"])
        }
    }
}
