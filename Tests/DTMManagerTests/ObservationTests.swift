import DTMAPI
import DTMCore
import DTMPlan
import DTMTelemetry
import Testing

@testable import DTMManager

@Suite struct ObservationTests {
    private func rotated(_ tunnel: TunnelID, generation: UInt32 = 0, previous: Endpoint? = nil) throws -> RotationReport
    {
        RotationReport(
            tunnel: tunnel, turn: ScheduleTurn(epoch: 179_000_000, generation: generation),
            endpoint: try found(Endpoint("127.5.6.7:5005")), candidate: 0, previous: previous,
            nextAt: Samples.now + .seconds(10), switchMicroseconds: 900, handshakeMicroseconds: 500)
    }

    @Test func `the first endpoint is published and counts as no rotation; the next one does`() throws {
        var table = try Samples.table(Samples.draft("redis"))
        let id = try table.record(named: "redis").id
        #expect(table.observe(.rotated(try rotated(id))) == id)
        #expect(table[id]?.observed.rotations == 0)
        let report = try rotated(id, generation: 1, previous: Endpoint("127.1.1.1:5001"))
        #expect(table.observe(.rotated(report)) == id)
        let observed = try found(table[id]).observed
        #expect(observed.rotations == 1)
        #expect(observed.timings.count == 1)
        #expect(observed.endpoint?.port == 5_005)
    }

    @Test func `totals survive the loss of a data plane, what is open does not`() throws {
        var table = try Samples.table(Samples.draft("redis"))
        let id = try table.record(named: "redis").id
        _ = table.observe(.rotated(try rotated(id)))
        _ = table.observe(.counters(tunnel: id, TunnelCounters(active: 3, total: 5, bytesIn: 100)))
        table.dataPlaneLost()
        var counters = try found(table[id]).observed.counters
        #expect(counters.active == 0)
        #expect(counters.total == 5)
        #expect(table[id]?.observed.endpoint == nil)
        _ = table.observe(.counters(tunnel: id, TunnelCounters(active: 1, total: 2, bytesIn: 50)))
        counters = try found(table[id]).observed.counters
        #expect(counters.total == 7)
        #expect(counters.bytesIn == 150)
    }

    @Test func `how long things took is kept from one data plane to the next, and reported with who is behind`() throws
    {
        var table = try Samples.table(Samples.draft("redis"))
        let id = try table.record(named: "redis").id
        table.update(id) { $0.draft.application = "redis-server" }
        _ = table.observe(.rotated(try rotated(id)))
        _ = table.observe(.rotated(try rotated(id, generation: 1, previous: Endpoint("127.1.1.1:5001"))))
        let flow = FlowRecord(
            tunnel: id, connection: 1, identity: "x", startedAt: Samples.now, endedAt: Samples.now + .seconds(7_200),
            bytesIn: 0, bytesOut: 0, ending: .finished)
        _ = table.observe(.flow(flow))
        table.dataPlaneLost()
        var unmeasured = try rotated(id, generation: 2, previous: Endpoint("127.1.1.1:5001"))
        unmeasured.handshakeMicroseconds = 0
        _ = table.observe(.rotated(unmeasured))
        let report = try found(table[id]).report(trustDomain: "x")
        let timings = try found(report.timings)
        #expect(timings.rotation.count == 2 && timings.rotation.maximumMicros == 900)
        #expect(timings.rotation.buckets == [UInt64](repeating: 0, count: 10) + [2])
        #expect(timings.handshake.count == 2 && timings.handshake.p50Micros == 500)
        #expect(timings.lifetime.count == 1 && timings.lifetime.p99Micros == 7_200_000_000)
        #expect(report.application == "redis-server")
    }

    @Test func `a target that does not answer is a problem until it does`() throws {
        var table = try Samples.table(Samples.draft("redis"))
        let id = try table.record(named: "redis").id
        _ = table.observe(.incident(Incident(tunnel: id, kind: .targetUnreachable, at: Samples.now, reason: "refused")))
        #expect(table[id]?.problem == "refused")
        _ = table.observe(
            .incident(Incident(tunnel: id, kind: .targetReachable, at: Samples.now, reason: "it answers")))
        #expect(table[id]?.problem == nil)
    }

    @Test func `messages about a tunnel that is gone change nothing`() throws {
        var table = try Samples.table()
        _ = table.observe(.rotated(try rotated(TunnelID.random())))
        _ = table.observe(.counters(tunnel: TunnelID.random(), TunnelCounters(total: 1)))
        #expect(table.count == 0)
    }

    @Test func `a report holds what scripts rely on`() throws {
        var table = try Samples.table(Samples.draft("redis"))
        let id = try table.record(named: "redis").id
        _ = table.observe(.rotated(try rotated(id)))
        let overlapping = try found(Endpoint("127.9.9.9:5009"))
        let live = try found(Endpoint("127.5.6.7:5005"))
        _ = table.observe(
            .listeners(
                tunnel: id,
                [
                    ListenerReport(endpoint: live, role: .live), ListenerReport(endpoint: overlapping, role: .overlap),
                    ListenerReport(endpoint: try found(Endpoint("127.8.8.8:5008")), role: .decoy),
                ]))
        _ = table.observe(.counters(tunnel: id, TunnelCounters(decoys: 33)))
        let report = try found(table[id]).report(trustDomain: "td")
        #expect(report.endpoint?.host == "127.5.6.7")
        #expect(report.previous.map(\.role) == ["overlap"])
        #expect(report.decoys == 34)
        #expect(report.identity == "spiffe://td/tunnel/\(id)")
        #expect(report.tier == "fronted")
        #expect(report.nextRotation == (Samples.now + .seconds(10)).rfc3339)
        #expect(report.portRange == [5_000, 6_000])
    }

    @Test func `followers see the endpoint, the schedule and the keys' generation`() throws {
        var table = try Samples.table(Samples.draft("redis"))
        let id = try table.record(named: "redis").id
        var state = try found(table[id]).followState(
            trust: Samples.trust, anchor: ClockAnchor(offsetNanoseconds: 7), now: Samples.now)
        #expect(state.endpoint == nil)
        #expect(state.epoch == 179_000_000)
        #expect(state.skippedPorts.contains(5_432))
        #expect(state.clockOffsetNanoseconds == 7)
        _ = table.observe(.rotated(try rotated(id, generation: 4)))
        table.rekey(id, root: try Samples.root())
        state = try found(table[id]).followState(
            trust: Samples.trust, anchor: ClockAnchor(offsetNanoseconds: 7), now: Samples.now)
        #expect(state.endpoint?.port == 5_005)
        #expect(state.generation == 4)
        #expect(state.keyGeneration == 2)
    }
}

@Suite struct EventTranslationTests {
    private let translation = EventTranslation { _ in "redis" }

    @Test func `every kind of incident has an event of its own name and weight`() {
        for kind in Incident.Kind.allCases {
            let incident = Incident(
                tunnel: TunnelID.random(), kind: kind, at: Samples.now, count: 3, peer: Endpoint("127.0.0.1:40000"),
                reason: "why")
            let event = translation.event(incident, count: 3)
            #expect(event.tunnel == "redis")
            #expect(event.kind.contains("."))
            #expect(event.severity > .info)
            #expect(event.detail["count"] == .integer(3))
            #expect(event.detail["peer"] == .string("127.0.0.1:40000"))
        }
    }

    @Test func `a connection is told with its process, and under another user's identity as an alarm`() throws {
        let tunnel = TunnelID.random()
        let translation = EventTranslation { _ in "redis" }
        var flow = FlowStart(
            tunnel: tunnel, connection: 7, identity: "spiffe://td/client/uid-1000.a", startedAt: Samples.now,
            peer: Endpoint("127.0.0.1:40000"), local: try found(Endpoint("127.0.0.1:5100")),
            owner: SocketOwner(uid: 1_000, inode: 42))
        let holder = ConnectorBook.Holder(uid: 1_000, userName: "alice", pid: 77, executable: "/usr/bin/dtm")
        let event = translation.event(flow, holder: holder, count: 3)
        #expect(event.kind == "connection.opened")
        #expect(event.detail["pid"] == .integer(77))
        #expect(event.detail["executable"] == .string("/usr/bin/dtm"))
        #expect(event.detail["uid"] == .integer(1_000))
        #expect(event.detail["count"] == .integer(3))
        #expect(translation.misuse(flow, holder: holder) == nil)
        flow.owner = SocketOwner(uid: 1_001, inode: 42)
        #expect(translation.misuse(flow, holder: holder)?.kind == "identity.misused")
        #expect(translation.misuse(flow, holder: nil) == nil)
        flow.owner = nil
        #expect(translation.misuse(flow, holder: holder) == nil)
    }

    @Test func `the book of connectors forgets whoever was not seen for longest`() throws {
        let book = ConnectorBook()
        let holder = ConnectorBook.Holder(uid: 1, userName: nil, pid: 2, executable: nil)
        let identities = try (0...ConnectorBook.capacity).map { number in
            try found(SPIFFEID("spiffe://0123456789abcdef/client/uid-1.\(number)"))
        }
        for identity in identities.dropLast() { book.note(identity, holder) }
        #expect(book.holder(of: identities[0].description) == holder)
        book.note(identities[ConnectorBook.capacity], holder)
        #expect(book.holder(of: identities[0].description) == holder)
        #expect(book.holder(of: identities[1].description) == nil)
        #expect(book.holder(of: identities[ConnectorBook.capacity].description) == holder)
    }

    @Test func `a connection's end is told with its bytes and its reason, at debug`() {
        let flow = FlowRecord(
            tunnel: TunnelID.random(), connection: 9, identity: "spiffe://td/client/x/uid-1", startedAt: Samples.now,
            endedAt: Samples.now + .milliseconds(1_500), bytesIn: 10, bytesOut: 20, ending: .idleTimeout)
        let event = translation.event(flow, holder: nil)
        #expect(event.kind == Event.Kind.connectionClosed)
        #expect(event.severity == .debug)
        #expect(event.detail["seconds"] == .double(1.5))
        #expect(event.detail["ending"] == "idle_timeout")
        #expect(event.identity == "spiffe://td/client/x/uid-1")
    }
}
