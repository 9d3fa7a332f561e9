import DTMCore
import Testing

@testable import DTMTunnel

@Suite("Rotation, when a step fails")
struct RotationFailureTests {
    /// A bench with a live listener and, for the next epoch, one that the machine has asked for.
    private static func preparing() throws -> (bench: RotationBench, token: ListenerToken) {
        var bench = RotationBench()
        bench.begin()
        bench.now = try #require(bench.machine.nextDeadline)
        bench.send(.tick)
        return (bench, try #require(bench.opens.last?.token))
    }

    @Test("A taken or reserved candidate is passed over without a wait")
    func taken() throws {
        var (bench, token) = try Self.preparing()
        bench.send(.openFailed(token, .taken))
        token = try #require(bench.opens.last?.token)
        bench.send(.openFailed(token, .reserved))
        #expect(bench.opens.map(\.candidate) == [0, 1, 2])
        #expect(Set(bench.opens.map(\.turn)).count == 1)
        #expect(bench.failures.isEmpty)
    }

    @Test("When 64 candidates are taken the turn fails, and begins anew after a wait")
    func allTaken() throws {
        var (bench, _) = try Self.preparing()
        for _ in 0..<64 { bench.send(.openFailed(try #require(bench.opens.last?.token), .taken)) }
        #expect(bench.opens.map(\.candidate) == Array(0..<64))
        #expect(bench.failures == [.bind])
        bench.now = try #require(bench.machine.nextDeadline)
        bench.send(.tick)
        #expect(bench.opens.last?.candidate == 0)
    }

    @Test("A range that is wholly busy fails the turn at the end of its list")
    func exhausted() throws {
        var (bench, token) = try Self.preparing()
        let live = bench.machine.live
        bench.send(.openFailed(token, .taken))
        token = try #require(bench.opens.last?.token)
        bench.send(.openFailed(token, .exhausted))
        #expect(bench.failures == [.bind])
        #expect(bench.machine.live == live)
    }

    @Test("A failed handshake leaves the old endpoint live, and the next candidate is tried")
    func handshake() throws {
        var (bench, token) = try Self.preparing()
        let live = bench.machine.live
        bench.send(bench.opened(token))
        let actions = bench.send(.handshakeFailed(token, reason: "no answer"))
        let turn = ScheduleTurn(epoch: bench.epoch + 1, generation: 0)
        #expect(actions == [.close(token), .reportFailure(turn: turn, step: .handshake, reason: "no answer")])
        #expect(bench.machine.live == live)
        bench.run(for: .seconds(30))
        #expect(bench.opens[1].candidate == 1)
        #expect(bench.flips.first?.candidate == 1)
        #expect(bench.flips.last?.candidate == 0)
    }

    @Test("A failure that lasts is reported once for each turn, and epochs pass without a queue")
    func reports() throws {
        var bench = RotationBench()
        bench.begin()
        let live = bench.machine.live
        let end = bench.now + .seconds(100)
        while let deadline = bench.machine.nextDeadline, deadline <= end {
            bench.now = deadline
            for case .open(let token, _, _) in bench.send(.tick) {
                bench.send(.openFailed(token, .system("too many open files")))
            }
        }
        bench.now = end
        #expect(bench.machine.live == live)
        let turns = bench.actions.compactMap { if case .reportFailure(let turn, _, _) = $0 { turn } else { nil } }
        #expect(Set(turns).count == turns.count)
        #expect((9...11).contains(turns.count))
        bench.run(.credentialAvailable)
        bench.run(for: .seconds(5))
        #expect(bench.flips.map(\.turn.epoch) == [bench.epoch])
    }

    @Test("Waits double up to the bound")
    func backoff() throws {
        var (bench, _) = try Self.preparing()
        var waits: [Duration] = []
        for _ in 0..<10 {
            bench.send(.openFailed(try #require(bench.opens.last?.token), .system("no buffers")))
            let deadline = try #require(bench.machine.nextDeadline)
            waits.append(deadline - bench.now)
            bench.now = deadline
            bench.send(.tick)
        }
        #expect(waits[0] >= .microseconds(37_500) && waits[0] <= .milliseconds(50))
        #expect(waits[4] >= .milliseconds(600) && waits[4] <= .milliseconds(800))
        #expect(waits.suffix(2).allSatisfy { $0 >= .milliseconds(3_750) && $0 <= .seconds(5) })
    }

    @Test("A missing key is reported, and the turn goes on when the key comes")
    func key() throws {
        var (bench, token) = try Self.preparing()
        bench.send(.openFailed(token, .keyMissing))
        #expect(bench.failures == [.key])
        bench.run(.keyAvailable)
        bench.run(for: .seconds(10))
        #expect(bench.flips.map(\.turn.epoch) == [bench.epoch])
    }

    @Test("A key does not hurry what failed for another reason")
    func otherKey() throws {
        var (bench, token) = try Self.preparing()
        bench.send(.openFailed(token, .system("no buffers")))
        #expect(bench.send(.keyAvailable).isEmpty)
    }

    @Test("A missing certificate is reported, and the turn goes on when it comes")
    func credential() throws {
        var (bench, token) = try Self.preparing()
        bench.send(.openFailed(token, .credentialMissing))
        #expect(bench.failures == [.credential])
        bench.send(.credentialAvailable)
        #expect(bench.opens.count == 2)
    }

    @Test("An open that nobody answers fails, and the late answer is closed")
    func lateOpen() throws {
        var (bench, token) = try Self.preparing()
        bench.now = bench.now + .seconds(5)
        bench.send(.tick)
        #expect(bench.failures == [.bind])
        #expect(bench.send(bench.opened(token)).contains(.close(token)))
    }

    @Test("A handshake that nobody answers fails, and the late answer changes nothing")
    func lateHandshake() throws {
        var (bench, token) = try Self.preparing()
        bench.send(bench.opened(token))
        bench.now = bench.now + .seconds(5)
        #expect(bench.send(.tick).contains(.close(token)))
        bench.send(.handshakeSucceeded(token))
        #expect(bench.flips.isEmpty)
    }

    @Test("A live listener that is lost is replaced at once")
    func lostLive() throws {
        var bench = RotationBench()
        bench.begin()
        let token = try #require(bench.machine.live?.token)
        bench.now = bench.now + .seconds(1)
        bench.run(.lost(token, reason: "closed"))
        #expect(bench.failures == [.bind])
        #expect(bench.machine.live?.turn.epoch == bench.epoch)
        #expect(bench.flips.first?.previous == nil)
        #expect(bench.flips.first?.decidedAt == bench.now)
    }

    @Test("A prepared listener that is lost is prepared anew with the next candidate")
    func lostPrepared() throws {
        var (bench, token) = try Self.preparing()
        bench.send(bench.opened(token))
        bench.send(.handshakeSucceeded(token))
        bench.send(.lost(token, reason: "closed"))
        #expect(bench.failures == [.bind])
        bench.run(for: .seconds(10))
        #expect(bench.flips.first?.candidate == 1)
    }

    @Test("On a machine that needs two intervals for a handshake, rotations are late and do not cease")
    func slow() throws {
        var bench = RotationBench(interval: 200, overlap: 200)
        bench.begin()
        for _ in 0..<20 {
            while bench.handshakes.isEmpty, let deadline = bench.machine.nextDeadline {
                bench.now = max(bench.now, deadline)
                for case .open(let token, _, let candidate) in bench.send(.tick) {
                    bench.send(bench.opened(token, candidate: candidate))
                }
            }
            let token = try #require(bench.handshakes.first)
            bench.now = bench.now + .milliseconds(400)
            bench.send(.tick)
            let flips = bench.flips.count
            let next = bench.send(.handshakeSucceeded(token))
            #expect(bench.flips.count == flips + 1)
            let before = bench.flips
            bench.actions = before.map { .flip($0) }
            for case .open(let token, _, let candidate) in next {
                bench.send(bench.opened(token, candidate: candidate))
            }
        }
        #expect(bench.flips.map(\.turn) == bench.flips.map(\.turn).sorted())
    }
}
