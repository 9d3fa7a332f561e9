import DTMCore
import Testing

@testable import DTMTunnel

@Suite("Rotation when time misbehaves")
struct RotationClockTests {
    @Test("Epochs that passed unnoticed are skipped: one rotation, to the turn of now")
    func skipped() {
        var bench = RotationBench()
        bench.begin()
        bench.now = bench.now + .seconds(55)
        bench.run(.tick)
        #expect(bench.flips.map(\.turn.epoch) == [bench.epoch])
    }

    @Test(
        "After a jump of an hour, either way, endpoints follow the time that is",
        arguments: [3_600, -3_600, 86_400, -86_400])
    func jump(seconds: Int) throws {
        var bench = RotationBench()
        bench.begin()
        bench.run(for: .milliseconds(19_500))
        let old = try #require(bench.machine.live?.token)
        bench.actions = []
        bench.now = bench.now + .seconds(seconds)
        bench.run(.tick)
        #expect(bench.machine.live?.turn.epoch == bench.epoch)
        #expect(bench.machine.listeners.first { $0.token == old }?.role == .overlap)
        bench.run(for: .seconds(30))
        #expect(bench.machine.live?.turn.epoch == bench.epoch)
        #expect(bench.machine.listeners.count <= 5)
    }

    @Test("Backwards, an overlap keeps its length")
    func overlap() {
        var bench = RotationBench()
        bench.begin()
        bench.run(for: .seconds(11))
        #expect(bench.roles.contains(.overlap))
        bench.now = bench.now - .seconds(3_600)
        bench.run(.tick)
        bench.run(for: .milliseconds(2_001))
        #expect(!bench.roles.contains(.overlap))
    }

    @Test("A short step back within the epoch moves nothing")
    func shortStep() {
        var bench = RotationBench()
        bench.begin()
        bench.now = bench.now + .seconds(1)
        bench.run(.tick)
        bench.now = bench.now - .milliseconds(500)
        bench.run(.tick)
        #expect(bench.flips.isEmpty)
    }
}
