import DTMCore
import Testing

@testable import DTMTunnel

@Suite("Rotation, when all goes well")
struct RotationMachineTests {
    @Test("The first endpoint is opened, shaken hands through, and then published")
    func first() throws {
        var bench = RotationBench()
        let started = bench.now
        let turn = ScheduleTurn(epoch: bench.epoch, generation: 0)
        #expect(bench.machine.nextDeadline == nil)
        bench.send(.start)
        let token = try #require(bench.opens.first?.token)
        #expect(bench.actions == [.open(token, turn: turn, candidate: 0)])
        bench.now = bench.now + .milliseconds(3)
        #expect(bench.send(bench.opened(token)) == [.handshake(token)])
        #expect(bench.machine.live == nil)
        #expect(bench.roles == [.decoy])
        let last = bench.send(.handshakeSucceeded(token))
        let listener = try #require(bench.machine.live)
        let flip = RotationMachine.Flip(
            token: token, turn: turn, endpoint: listener.endpoint, candidate: 0, previous: nil, decidedAt: started,
            nextAt: started + .seconds(10))
        #expect(last == [.setRole(token, .live), .flip(flip)])
    }

    @Test(
        "The next listener is opened ahead, at a random time between 80 and 20 % of the interval",
        arguments: 1...50 as ClosedRange<UInt64>)
    func lead(seed: UInt64) throws {
        for interval in [200, 10_000] as [UInt32] {
            var bench = RotationBench(interval: interval, seed: seed)
            bench.begin()
            let lead = (bench.now + .milliseconds(Int64(interval))) - (try #require(bench.machine.nextDeadline))
            #expect(lead >= .microseconds(Int64(interval) * 200))
            #expect(lead <= .microseconds(Int64(interval) * 800))
        }
    }

    @Test("Leads differ")
    func leadsDiffer() {
        let deadlines = (1...20).map { (seed: UInt64) in
            var bench = RotationBench(seed: seed)
            bench.begin()
            return bench.machine.nextDeadline
        }
        #expect(Set(deadlines).count == 20)
    }

    @Test("At the start of its epoch the prepared listener goes live, and the old one overlaps")
    func rotation() throws {
        var bench = RotationBench()
        bench.begin()
        let old = try #require(bench.machine.live)
        bench.run(for: .milliseconds(9_999))
        #expect(bench.roles == [.live, .decoy])
        #expect(bench.flips.isEmpty)
        bench.run(for: .milliseconds(1))
        let flip = try #require(bench.flips.first)
        #expect(flip.previous == old)
        #expect(flip.turn == ScheduleTurn(epoch: bench.epoch, generation: 0))
        #expect(flip.decidedAt == bench.now)
        #expect(bench.actions.suffix(3) == [.setRole(flip.token, .live), .flip(flip), .setRole(old.token, .overlap)])
    }

    @Test(
        "An overlap ends on time, and lingers as a decoy for 50 to 150 % of the interval",
        arguments: 1...20 as ClosedRange<UInt64>)
    func overlap(seed: UInt64) throws {
        var bench = RotationBench(seed: seed)
        bench.begin()
        let old = try #require(bench.machine.live?.token)
        bench.run(for: .milliseconds(11_999))
        #expect(bench.machine.listeners.first?.role == .overlap)
        bench.run(for: .milliseconds(1))
        #expect(bench.actions.last == .setRole(old, .decoy))
        bench.run(for: .milliseconds(4_999))
        #expect(!bench.actions.contains(.close(old)))
        bench.run(for: .milliseconds(10_001))
        #expect(bench.actions.contains(.close(old)))
    }

    @Test("Without an overlap the old listener is a decoy at once")
    func noOverlap() throws {
        var bench = RotationBench(overlap: 0)
        bench.begin()
        let old = try #require(bench.machine.live?.token)
        bench.run(for: .seconds(10))
        #expect(bench.actions.last == .setRole(old, .decoy))
    }

    @Test("An overlap longer than the interval gives several overlaps")
    func longOverlap() {
        var bench = RotationBench(interval: 1_000, overlap: 3_500)
        bench.begin()
        bench.run(for: .seconds(10))
        #expect(bench.roles.filter { $0 == .overlap }.count == 4)
        #expect(bench.roles.filter { $0 == .live }.count == 1)
    }

    @Test("A thousand epochs of 0.2 s are a thousand rotations with a handful of listeners")
    func endurance() {
        var bench = RotationBench(interval: 200, overlap: 200)
        bench.begin()
        var most = 0
        for _ in 0..<1_000 {
            bench.run(for: .milliseconds(200))
            most = max(most, bench.machine.listeners.count)
        }
        #expect(bench.flips.count == 1_000)
        #expect(most <= 6)
        #expect(bench.failures.isEmpty)
    }

    @Test("The machine asks for the next tick at the next thing to do")
    func deadlines() throws {
        var bench = RotationBench()
        bench.begin()
        bench.now = try #require(bench.machine.nextDeadline)
        bench.run(.tick)
        let start = Timestamp(seconds: 1_760_000_010)
        #expect(bench.machine.nextDeadline == start)
        bench.now = start
        bench.run(.tick)
        #expect(bench.machine.nextDeadline == start + .seconds(2))
    }

    @Test("A tick before its time changes nothing")
    func earlyTick() {
        var bench = RotationBench()
        bench.begin()
        bench.now = bench.now + .milliseconds(1_999)
        #expect(bench.send(.tick).isEmpty)
    }

    @Test("Stop closes every listener, and one that is opened later as well")
    func stop() throws {
        var bench = RotationBench()
        bench.begin()
        bench.run(.generation(1))
        bench.now = try #require(bench.machine.nextDeadline)
        bench.send(.generation(2))
        let open = bench.machine.listeners.map(\.token)
        let late = try #require(bench.opens.last?.token)
        #expect(open.count == 2)
        #expect(bench.send(.stop) == open.map { .close($0) })
        #expect(bench.machine.nextDeadline == nil)
        #expect(bench.send(bench.opened(late)) == [.close(late)])
        #expect(bench.send(.start).isEmpty)
        #expect(bench.machine.listeners.isEmpty)
    }
}
