import DTMAPI
import Testing

@testable import DTMCommands

@Suite struct EventFollowerTests {
    private struct Stop: Error {}
    private let noManager = ControlSocketLocator(candidates: ["/nowhere/run/control.sock"])

    /// The error of a manager that is not there.
    private func away() -> ControlClientError? {
        do {
            _ = try noManager.locate()
            return nil
        } catch {
            return error
        }
    }

    private func stream(_ ids: [UInt64], then error: (any Error)?) -> AsyncThrowingStream<EventReport, any Error> {
        AsyncThrowingStream { continuation in
            for id in ids { continuation.yield(Samples.event(id)) }
            continuation.finish(throwing: error)
        }
    }

    @Test func `A lost stream is resumed after its last event, however it was lost`() async {
        var asked: [UInt64?] = []
        var seen: [UInt64] = []
        let follower = EventFollower(attempts: 3, pause: {})
        await #expect(throws: Stop.self) {
            try await follower.run(after: 5) { last in
                asked.append(last)
                switch asked.count {
                case 1: return stream([6, 7], then: nil)
                case 2: throw away() ?? Stop()
                case 3: return stream([8], then: away())
                default: return stream([], then: Stop())
                }
            } emit: {
                seen.append($0.id)
            }
        }
        #expect(asked == [5, 7, 7, 8])
        #expect(seen == [6, 7, 8])
    }

    @Test func `Patience ends`() async {
        var opened = 0
        var pauses = 0
        let follower = EventFollower(attempts: 4, pause: { pauses += 1 })
        let error = await #expect(throws: ControlClientError.self) {
            try await follower.run(after: nil) { _ in
                opened += 1
                guard opened == 1 else { throw away() ?? Stop() }
                return stream([], then: nil)
            } emit: { _ in
            }
        }
        #expect(error?.exitStatus == 69)
        #expect(opened == 5)
        #expect(pauses == 4)
    }

    @Test func `The first connection is not tried again`() async {
        var opened = 0
        await #expect(throws: ControlClientError.self) {
            try await EventFollower(pause: {}).run(after: nil) { _ -> AsyncThrowingStream<EventReport, any Error> in
                opened += 1
                throw away() ?? Stop()
            } emit: { _ in
            }
        }
        #expect(opened == 1)
    }

    @Test func `What goes wrong with the output is not taken for a loss`() async {
        await #expect(throws: Output.Closed.self) {
            try await EventFollower(pause: {}).run(after: nil) { _ in
                stream([1], then: nil)
            } emit: { _ in
                throw Output.Closed()
            }
        }
    }
}
