import DTMCore
import Testing

@testable import DTMAPI

@Suite struct StreamTests {
    private func event(_ id: Int) -> String {
        "event: event\nid: \(id)\ndata: "
            + #"{"schemaVersion":1,"id":\#(id),"time":"2026-11-24T03:03:10Z","kind":"a.b","severity":"info","detail":{}}"#
            + "\n\n"
    }

    private static let state = FollowState(
        tunnelID: "00", serverIdentity: "spiffe://x/tunnel/00", trustDomain: "x", trustBundle: [],
        clockOffsetNanoseconds: 1, intervalMilliseconds: 10_000, lowestPort: 5000, highestPort: 6000,
        skippedPorts: [5432],
        addressMode: .hop, epoch: 1, generation: 0, endpoint: nil, keyGeneration: 1)

    @Test func `Events come in order, and comments and other types are skipped`() async throws {
        let text = ": hello\n\n" + event(1) + "event: other\ndata: 1\n\n" + event(2)
        try await ScriptedServer.with(reply: { _ in .pieces([Array(text.utf8)]) }) { server in
            try await ControlClient.withClient(at: server.locator) { client in
                var ids: [UInt64] = []
                for try await event in try await client.followEvents() { ids.append(event.id) }
                #expect(ids == [1, 2])
            }
        }
    }

    @Test func `Resuming names the last event that came`() async throws {
        try await ScriptedServer.with(reply: { _ in .pieces([]) }) { server in
            try await ControlClient.withClient(at: server.locator) { client in
                for try await _ in try await client.followEvents(after: 41) {}
            }
            let request = server.requests.first
            #expect(request?.uri == "/v1/events?follow=1&since=41")
            #expect(request?.headers["last-event-id"] == "41")
            #expect(request?.headers["accept"] == "text/event-stream")
        }
    }

    @Test func `A refusal comes before the stream`() async throws {
        try await ScriptedServer.with(reply: { _ in .json(403, "") }) { server in
            await ControlClient.withClient(at: server.locator) { client in
                let error = await #expect(throws: ControlClientError.self) { _ = try await client.follow("redis") }
                #expect(error?.code == .notPermitted)
            }
        }
    }

    @Test func `A connector gets states and learns when the tunnel is gone`() async throws {
        let json = String(decoding: try APIJSON.encode(Self.state), as: UTF8.self)
        let text = "event: state\ndata: \(json)\n\nevent: gone\ndata: {}\n\n"
        try await ScriptedServer.with(reply: { _ in .openStream(text) }) { server in
            try await ControlClient.withClient(at: server.locator) { client in
                var updates = try await client.follow("redis").makeAsyncIterator()
                #expect(try await updates.next() == .state(Self.state))
                #expect(try await updates.next() == .gone)
            }
            #expect(server.requests.first?.uri == "/v1/tunnels/redis/follow")
        }
    }

    @Test func `A console gets updates, and other events are skipped`() async throws {
        var first = LiveUpdate(isSnapshot: true, time: "2026-11-24T03:03:10Z")
        first.maySteer = true
        first.goneTunnels = ["redis"]
        let second = LiveUpdate(isSnapshot: false, time: "2026-11-24T03:03:11Z")
        let texts = try [first, second].map {
            "event: live\ndata: \(String(decoding: try APIJSON.encode($0), as: UTF8.self))\n\n"
        }
        let text = texts.joined(separator: ": \n\nevent: other\ndata: 1\n\n")
        try await ScriptedServer.with(reply: { _ in .pieces([Array(text.utf8)]) }) { server in
            try await ControlClient.withClient(at: server.locator) { client in
                var updates: [LiveUpdate] = []
                for try await update in try await client.live() { updates.append(update) }
                #expect(updates == [first, second])
                #expect(!first.isEmpty && second.isEmpty)
            }
            #expect(server.requests.first?.uri == "/v1/live")
        }
    }

    @Test func `A stream that breaks off gives what came, then says that the manager went away`() async throws {
        let text = event(1)
        try await ScriptedServer.with(reply: { _ in .broken(text) }) { server in
            try await ControlClient.withClient(at: server.locator) { client in
                var events = try await client.followEvents().makeAsyncIterator()
                #expect(try await events.next()?.id == 1)
                let error = await #expect(throws: ControlClientError.self) { _ = try await events.next() }
                #expect(error?.code == .unreachable)
            }
        }
    }

    @Test func `A stream that falls silent is given up`() async throws {
        let text = event(1)
        let timeouts = ControlClient.Timeouts(silence: .milliseconds(500))
        try await ScriptedServer.with(reply: { _ in .openStream(text) }) { server in
            try await ControlClient.withClient(at: server.locator, timeouts: timeouts) { client in
                var events = try await client.followEvents().makeAsyncIterator()
                #expect(try await events.next()?.id == 1)
                let error = await #expect(throws: ControlClientError.self) { _ = try await events.next() }
                #expect(error?.code == .timedOut)
            }
        }
    }

    @Test func `An event that can't be read is an error`() async throws {
        try await ScriptedServer.with(reply: { _ in .openStream("event: event\ndata: {\n\n") }) { server in
            try await ControlClient.withClient(at: server.locator) { client in
                var events = try await client.followEvents().makeAsyncIterator()
                let error = await #expect(throws: ControlClientError.self) { _ = try await events.next() }
                #expect(error?.code == .incompatible)
            }
        }
    }

    @Test func `The client ends although a stream is open`() async throws {
        let text = event(1)
        try await ScriptedServer.with(reply: { _ in .openStream(text) }) { server in
            let client = ControlClient(at: server.locator)
            var events = try await client.followEvents().makeAsyncIterator()
            #expect(try await events.next()?.id == 1)
            await client.shutdown()
            await #expect(throws: (any Error).self) { _ = try await events.next() }
        }
    }
}
