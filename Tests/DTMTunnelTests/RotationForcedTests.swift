import DTMCore
import Testing

@testable import DTMTunnel

@Suite("Forced rotation, and changes of the plan")
struct RotationForcedTests {
    @Test("A higher generation rotates at once, in the epoch that is, and goes on with it")
    func forced() {
        var bench = RotationBench()
        bench.begin()
        bench.run(for: .seconds(1))
        let forcedAt = bench.now
        let epoch = bench.epoch
        bench.run(.generation(1))
        #expect(bench.flips.map(\.turn) == [ScheduleTurn(epoch: epoch, generation: 1)])
        #expect(bench.flips.first?.decidedAt == forcedAt)
        bench.run(for: .seconds(10))
        #expect(bench.flips.last?.turn == ScheduleTurn(epoch: epoch + 1, generation: 1))
    }

    @Test("The same generation again changes nothing")
    func same() {
        var bench = RotationBench()
        bench.begin()
        #expect(bench.send(.generation(0)).isEmpty)
        #expect(bench.send(.timing(RotationTiming(intervalMilliseconds: 10_000, overlapMilliseconds: 3_000))).isEmpty)
    }

    @Test("A listener that was ready for the old generation stays a decoy and closes")
    func staleReady() throws {
        var bench = RotationBench()
        bench.begin()
        bench.run(for: .milliseconds(9_000))
        let ready = try #require(bench.machine.listeners.last { $0.role == .decoy }?.token)
        bench.run(.generation(1))
        #expect(bench.machine.listeners.first { $0.token == ready }?.role == .decoy)
        bench.run(for: .seconds(20))
        #expect(bench.flips.allSatisfy { $0.token != ready })
        #expect(bench.actions.contains(.close(ready)))
    }

    @Test("A hundred forced rotations while one is being opened are two")
    func coalescing() throws {
        var bench = RotationBench()
        bench.begin()
        bench.send(.generation(1))
        let token = try #require(bench.opens.first?.token)
        for generation in 2...100 as ClosedRange<UInt32> { bench.send(.generation(generation)) }
        #expect(bench.opens.count == 1)
        bench.run(bench.opened(token))
        #expect(bench.flips.map(\.turn.generation) == [1, 100])
    }

    @Test("Under a hail of forced rotations endpoints still move")
    func hail() throws {
        var bench = RotationBench()
        bench.begin()
        var generation: UInt32 = 0
        for _ in 0..<30 {
            generation += 1
            for case .open(let token, _, _) in bench.send(.generation(generation)) { bench.send(bench.opened(token)) }
            bench.now = bench.now + .milliseconds(1)
            generation += 1
            bench.send(.generation(generation))
            let handshake = try #require(bench.handshakes.last)
            for case .open(let token, _, _) in bench.send(.handshakeSucceeded(handshake)) {
                bench.send(bench.opened(token))
            }
        }
        #expect(bench.flips.count == 30)
    }

    @Test("Three hundred forced rotations in three seconds stay within the bound, and the oldest overlaps make room")
    func bound() {
        var bench = RotationBench()
        bench.begin()
        for generation in 1...300 as ClosedRange<UInt32> {
            bench.run(.generation(generation))
            bench.run(for: .milliseconds(10))
            #expect(bench.machine.listeners.count <= 64)
            #expect(bench.roles.filter { $0 == .live }.count == 1)
        }
        #expect(bench.flips.count == 300)
        bench.run(for: .seconds(40))
        #expect(bench.machine.listeners.count <= 5)
    }

    @Test("What was being prepared under a replaced schedule never goes live")
    func replaced() throws {
        var bench = RotationBench()
        bench.begin()
        bench.send(.generation(1))
        let old = try #require(bench.opens.last?.token)
        bench.send(bench.opened(old))
        let next = bench.send(.scheduleReplaced)
        #expect(next.count == 1)
        bench.send(.handshakeSucceeded(old))
        #expect(bench.flips.isEmpty)
        let new = try #require(bench.opens.last?.token)
        bench.run(bench.opened(new))
        #expect(bench.flips.map(\.token) == [new])
    }

    @Test("A replaced schedule moves the endpoint within the same turn")
    func sameTurn() {
        var bench = RotationBench()
        bench.begin()
        let turn = bench.machine.live?.turn
        bench.run(.scheduleReplaced)
        #expect(bench.flips.map(\.turn) == [turn])
    }

    @Test("Another interval rotates at once and counts its own epochs")
    func interval() {
        var bench = RotationBench()
        bench.begin()
        bench.run(.timing(RotationTiming(intervalMilliseconds: 1_000, overlapMilliseconds: 2_000)))
        #expect(bench.flips.map(\.turn.epoch) == [1_760_000_000])
        bench.run(for: .seconds(5))
        #expect(bench.flips.count == 6)
    }

    @Test("Another overlap holds from the next rotation on")
    func overlap() {
        var bench = RotationBench()
        bench.begin()
        bench.send(.timing(RotationTiming(intervalMilliseconds: 10_000, overlapMilliseconds: 5_000)))
        bench.run(for: .milliseconds(14_999))
        #expect(bench.roles.contains(.overlap))
        bench.run(for: .milliseconds(1))
        #expect(!bench.roles.contains(.overlap))
    }

    @Test("A forced rotation whose window key is missing waits for it, and the old endpoint stays live")
    func key() throws {
        var bench = RotationBench()
        bench.begin()
        let live = bench.machine.live
        bench.send(.generation(1))
        bench.send(.openFailed(try #require(bench.opens.last?.token), .keyMissing))
        #expect(bench.machine.live == live)
        bench.run(.keyAvailable)
        #expect(bench.flips.map(\.turn.generation) == [1])
    }

    @Test("A forced rotation does not wait for the pause after failures of the old generation")
    func forcedInBackoff() throws {
        var bench = RotationBench()
        bench.begin()
        bench.send(.generation(1))
        bench.send(.openFailed(try #require(bench.opens.last?.token), .system("no buffers")))
        bench.run(.generation(2))
        #expect(bench.flips.map(\.turn.generation) == [2])
    }

    @Test("After a forced rotation late in an epoch the next listener is still opened ahead")
    func leadAfterForced() throws {
        var bench = RotationBench()
        bench.begin()
        bench.run(for: .seconds(9))
        bench.run(.generation(1))
        let start = ScheduleTime.start(ofEpoch: bench.epoch + 1, intervalMilliseconds: 10_000)
        let opened = bench.opens.count
        while bench.opens.count == opened, let deadline = bench.machine.nextDeadline {
            bench.now = deadline
            bench.run(.tick)
        }
        #expect(start - bench.now >= .milliseconds(200))
        #expect(start - bench.now <= .milliseconds(800))
    }

    @Test("No handshake goes through a listener that was overtaken while it was being opened")
    func overtakenOpening() throws {
        var bench = RotationBench()
        bench.begin()
        bench.send(.generation(1))
        let token = try #require(bench.opens.last?.token)
        bench.send(.scheduleReplaced)
        bench.send(bench.opened(token))
        #expect(bench.handshakes.isEmpty)
        #expect(bench.opens.count == 2)
    }

    @Test("A rotation that answers several inputs was decided with the first of them")
    func decision() throws {
        var bench = RotationBench()
        bench.begin()
        bench.send(.generation(1))
        let token = try #require(bench.opens.last?.token)
        bench.now = bench.now + .milliseconds(1)
        let decidedAt = bench.now
        bench.send(.scheduleReplaced)
        bench.now = bench.now + .milliseconds(1)
        bench.send(.generation(2))
        bench.run(bench.opened(token))
        #expect(bench.flips.map(\.decidedAt) == [decidedAt])
    }
}
