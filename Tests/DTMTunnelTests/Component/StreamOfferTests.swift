import DTMTestSupport
import DTMCore
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import DTMTunnel

@Suite("A pair of streams through a tunnel", .serialized)
struct StreamOfferTests {
    private struct Pipe {
        let read: CInt
        let write: CInt

        init() throws {
            var ends: [CInt] = [0, 0]
            let outcome = pipe(&ends)
            try #require(outcome == 0)
            (read, write) = (ends[0], ends[1])
        }
    }

    private func connecting(_ fixture: TunnelFixture) -> ConnectorListener {
        ConnectorListener(
            source: fixture.source, observer: fixture.observer, callers: nil, time: fixture.authority.time,
            group: fixture.group)
    }

    private func readAll(_ descriptor: CInt) -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(descriptor, &buffer, buffer.count), count > 0 { all += buffer.prefix(count) }
        return all
    }

    @Test("both directions and both ends, and the end is told only once all has been written")
    func pipes() async throws {
        try await withTunnel { fixture, target in
            let (input, output) = (try Pipe(), try Pipe())
            let ended = connecting(fixture).relay(input: input.read, output: output.write)
            let answer = [UInt8](repeating: 3, count: 4 << 20)
            let server = inBackground {
                let served = try target.accept()
                #expect(served.receiveAll() == Array("question".utf8))
                try served.send(answer)
                served.endSending()
            }
            #expect(write(input.write, "question", 8) == 8)
            close(input.write)
            var first: UInt8 = 0
            #expect(read(output.read, &first, 1) == 1)
            let isOver = inBackground { try ended.wait() }
            #expect(readAll(output.read).count == answer.count - 1)
            try isOver()
            try server()
            close(output.read)
        }
    }

    @Test("a tunnel that can't be had is the error of the streams")
    func failure() async throws {
        try await withTunnel { fixture, target in
            fixture.server.update { $0.maximumConnections = 0 }
            let (input, output) = (try Pipe(), try Pipe())
            let ended = connecting(fixture).relay(input: input.read, output: output.write)
            await #expect(throws: TunnelError(code: .refused, message: "")) { try await ended.get() }
            close(input.write)
            #expect(readAll(output.read).isEmpty)
            close(output.read)
        }
    }

    @Test("breaking everything off ends streams that are relayed, and those that still wait for their tunnel")
    func aborts() async throws {
        for isWaiting in [false, true] {
            try await withTunnel { fixture, target in
                if isWaiting { fixture.source.box.withLockedValue { $0 = nil } }
                let (input, output) = (try Pipe(), try Pipe())
                let connector = connecting(fixture)
                let ended = connector.relay(input: input.read, output: output.write)
                #expect(eventually { connector.locals.count == 1 })
                if !isWaiting {
                    #expect(write(input.write, "x", 1) == 1)
                    #expect(try target.accept().receive(exactly: 1) == [0x78])
                }
                try await connector.abortAll().get()
                try await ended.get()
                #expect(connector.locals.count == 0)
                close(input.write)
                close(output.read)
            }
        }
    }
}
