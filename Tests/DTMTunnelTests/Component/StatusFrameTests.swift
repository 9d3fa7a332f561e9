import DTMTestSupport
import DTMCore
import NIOCore
import Testing

@testable import DTMTunnel

@Suite("The status frame")
struct StatusFrameTests {
    private static let samples: [StatusFrame] =
        [
            .accepted, .moved([]),
            .moved([Endpoint(address: .v4(0x7f01_0203), port: 5_000)]),
            .moved((0..<8).map { Endpoint(address: .v6(high: 1, low: $0), port: UInt16(5_000 + $0)) }),
        ] + StatusFrame.Refusal.allCases.map { .refused($0, reason: "because") } + [.refused(.limit, reason: "")]

    @Test("what is written is what is read, with what follows left alone", arguments: samples)
    func roundTrip(_ frame: StatusFrame) throws {
        var buffer = ByteBuffer()
        frame.write(to: &buffer)
        buffer.writeString("application")
        #expect(try StatusFrame.read(from: &buffer) == frame)
        #expect(String(buffer: buffer) == "application")
    }

    @Test("a frame that is not whole yet is left as it was", arguments: samples)
    func partial(_ frame: StatusFrame) throws {
        var whole = ByteBuffer()
        frame.write(to: &whole)
        for length in 0..<whole.readableBytes {
            var part = whole.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(try StatusFrame.read(from: &part) == nil)
            #expect(part.readableBytes == length)
        }
    }

    @Test("a long reason is cut between characters, and too many endpoints are left out")
    func bounds() throws {
        var buffer = ByteBuffer()
        StatusFrame.refused(.target, reason: String(repeating: "é", count: 150)).write(to: &buffer)
        #expect(try StatusFrame.read(from: &buffer) == .refused(.target, reason: String(repeating: "é", count: 100)))
        let endpoints = (0..<20).map { Endpoint(address: .v4(0x7f00_0001), port: UInt16(5_000 + $0)) }
        StatusFrame.moved(endpoints).write(to: &buffer)
        #expect(try StatusFrame.read(from: &buffer) == .moved(Array(endpoints.prefix(8))))
    }

    @Test(
        "what is no frame is refused",
        arguments: [
            [2, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [1, 4, 0, 0], [1, 1, 4, 1], [1, 1, 0, 1, 9], [1, 2, 0, 0],
            [1, 2, 0, 1, 9],
            [1, 2, 0, 1, 1], [1, 2, 0, 2, 1, 5], [1, 2, 0, 4, 1, 4, 1, 2], [1, 3, 0, 0], [1, 3, 0, 1, 0],
            [1, 3, 0, 1, 5],
            [1, 3, 0, 202, 1] + [UInt8](repeating: 97, count: 201), Array("HTTP/1.1 200 OK".utf8),
        ] as [[UInt8]])
    func malformed(_ bytes: [UInt8]) {
        var buffer = ByteBuffer(bytes: bytes)
        #expect(throws: TunnelError(code: .malformedStatusFrame, message: "")) { try StatusFrame.read(from: &buffer) }
    }

    @Test("bytes at random never trap, and what is read once is read again when it is written")
    func fuzz() throws {
        var generator = SeededGenerator(seed: 4)
        for _ in SeededGenerator.rounds(50_000) {
            var bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let plausible: [UInt8] = [
                1, .random(in: 0...4, using: &generator), 0, .random(in: 0...36, using: &generator),
            ]
            if Bool.random(using: &generator) { bytes = plausible + bytes }
            var buffer = ByteBuffer(bytes: bytes)
            guard let frame = try? StatusFrame.read(from: &buffer) else { continue }
            var again = ByteBuffer()
            frame.write(to: &again)
            #expect(try StatusFrame.read(from: &again) == frame)
        }
    }
}
