import DTMCore
import Testing

@testable import DTMManager

@Suite struct TargetSidesTests {
    private func start(_ connection: UInt64, _ end: String) throws -> FlowStart {
        FlowStart(
            tunnel: .random(), connection: connection, identity: "", startedAt: Samples.now, peer: nil,
            local: try found(Endpoint("127.0.0.1:5100")), owner: nil, targetSide: Endpoint(end))
    }

    private func end(_ connection: UInt64) -> FlowRecord {
        FlowRecord(
            tunnel: .random(), connection: connection, identity: "", startedAt: Samples.now, endedAt: Samples.now,
            bytesIn: 0, bytesOut: 0, ending: .finished)
    }

    @Test func `an end is known while its connection is open and a minute after`() throws {
        var sides = TargetSides()
        let endpoint = try found(Endpoint("127.0.0.1:40000"))
        sides.began(try start(7, "127.0.0.1:40000"))
        #expect(sides.known(at: Samples.now + .seconds(3_600)) == [endpoint])
        sides.ended(end(7), at: Samples.now)
        #expect(sides.known(at: Samples.now + .seconds(59)) == [endpoint])
        #expect(sides.known(at: Samples.now + .seconds(60)).isEmpty)
    }

    @Test func `a data plane that is lost takes its connections with it`() throws {
        var sides = TargetSides()
        sides.began(try start(1, "127.0.0.1:40000"))
        sides.lost(at: Samples.now)
        #expect(sides.known(at: Samples.now).count == 1)
        // The next data plane counts from one again.
        sides.began(try start(1, "127.0.0.1:40001"))
        sides.ended(end(1), at: Samples.now)
        #expect(sides.known(at: Samples.now).count == 2)
        #expect(sides.known(at: Samples.now + .seconds(60)).isEmpty)
    }

    @Test func `no flood makes it grow beyond its bound`() throws {
        var sides = TargetSides()
        for connection in 0..<(TargetSides.maximum + 10) {
            sides.began(
                try start(
                    UInt64(connection), "10.0.\(connection >> 8 & 255).\(connection & 255):\(1 + connection >> 16)"))
        }
        #expect(sides.known(at: Samples.now).count <= TargetSides.maximum)
    }
}
