import DTMTestSupport
import DTMCore
import Testing

@testable import DTMAPI

@Suite struct APIJSONTests {
    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try APIJSON.encode(value), as: UTF8.self)
    }

    private let event = EventReport(
        id: 7, time: "2026-11-24T03:03:10.250Z", kind: "tunnel.rotated", severity: .info, tunnel: nil, app: nil,
        identity: nil, detail: ["to": "127.4.0.1:5003", "epoch": 9, "forced": true, "ports": .list(["a", "b"])])

    @Test func `Names are sorted, slashes plain, and what is missing is null`() throws {
        #expect(
            try text(event)
                == #"{"app":null,"detail":{"epoch":9,"forced":true,"ports":["a","b"],"to":"127.4.0.1:5003"},"id":7,"#
                + #""identity":null,"kind":"tunnel.rotated","schemaVersion":1,"severity":"info","#
                + #""time":"2026-11-24T03:03:10.250Z","tunnel":null}"#)
    }

    @Test func `What is missing is null in nested objects too`() throws {
        let rotation = RotateAnswer.Rotation(tunnel: "a/b", endpoint: nil, epoch: 1, generation: 2, failure: nil)
        #expect(
            try text(RotateAnswer(rotations: [rotation]))
                == #"{"rotations":[{"endpoint":null,"epoch":1,"failure":null,"generation":2,"tunnel":"a/b"}],"#
                + #""schemaVersion":1}"#)
    }

    @Test func `What was written can be read`() throws {
        #expect(try APIJSON.decode(EventReport.self, from: APIJSON.encode(event)) == event)
        let answer = RotateAnswer(rotations: [
            .init(tunnel: "a", endpoint: EndpointReport(host: "::1", port: 1), epoch: .max, generation: 0, failure: "x")
        ])
        #expect(try APIJSON.decode(RotateAnswer.self, from: APIJSON.encode(answer)) == answer)
    }

    @Test func `Random bytes are refused, never trusted`() {
        var generator = SeededGenerator(seed: 3)
        let good = Array((try? APIJSON.encode(event)) ?? [])
        for _ in SeededGenerator.rounds(2_000) {
            var bytes = good
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: .min ... .max, using: &generator)
            }
            // A flipped letter may well give another valid event: the point is that nothing traps.
            _ = try? APIJSON.decode(EventReport.self, from: bytes)
            _ = try? APIJSON.decode(TunnelList.self, from: bytes)
        }
    }
}
