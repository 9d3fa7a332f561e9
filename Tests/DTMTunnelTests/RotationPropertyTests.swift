import DTMTestSupport
import DTMCore
import Testing

@testable import DTMTunnel

@Suite("Rotation, whatever happens")
struct RotationPropertyTests {
    @Test(
        "The promises hold through 500 random steps, and afterwards endpoints move again",
        arguments: SeededGenerator.seeds(150))
    func walk(seed: UInt64) {
        var world = RotationWorld(seed: seed)
        for _ in 0..<500 { world.step() }
        let flips = world.flips
        world.calm(for: .seconds(60))
        let machine = world.machine
        let due = machine.due(at: world.now)
        #expect(machine.liveEntry?.goal == due)
        #expect(world.flips > flips)
        #expect(machine.listeners.count <= 40)
        world.stop()
        #expect(world.open.isEmpty)
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations.prefix(3))")
    }
}
