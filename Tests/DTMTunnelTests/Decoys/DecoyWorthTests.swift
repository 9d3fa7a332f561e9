import DTMCore
import DTMTestSupport
import Testing

@testable import DTMTunnel

/// What `docs/threat-model.md` says decoys are worth, on the machine and the field themselves.
@Suite("What decoys are worth")
struct DecoyWorthTests {
    @Test(
        "who probes at random meets a real endpoint before any decoy as rarely as the formula says",
        arguments: [7, 31, 255])
    func first(_ decoys: Int) throws {
        let trials = 10_000
        let rounds = decoys > 100 ? 100 : 500
        var world = DecoyWorld(
            seed: UInt64(decoys), decoys: decoys, rotates: true, schedule: try DecoyFieldTests.schedule())
        world.advance(by: .seconds(100))
        var dice = SeededGenerator(seed: 4_711)
        var (hits, expected, variance, formula) = (0, 0.0, 0.0, 0.0)
        for _ in 0..<rounds {
            world.advance(by: .milliseconds(Int64.random(in: 2_000...20_000, using: &dice)))
            let listeners = world.machine?.listeners ?? []
            let real = listeners.count { $0.role != .decoy }
            let all = listeners.count + world.decoys.count
            let chance = Double(real) / Double(all)
            for _ in 0..<trials / rounds where Int.random(in: 0..<all, using: &dice) < real { hits += 1 }
            expected += chance * Double(trials / rounds)
            variance += chance * (1 - chance) * Double(trials / rounds)
            formula += Double(real) / Double(real + decoys) / Double(rounds)
        }
        // 99.99 %, both sides.
        let bound = 3.89 * variance.squareRoot()
        print(
            "K = \(decoys): met a real one first \(Double(hits) / Double(trials)), expected \(expected / Double(trials)) ± "
                + "\(bound / Double(trials)), time-mean of R/(R+K) \(formula)")
        #expect(abs(Double(hits) - expected) < bound)
        #expect(Double(hits) / Double(trials) <= formula + bound / Double(trials))
        #expect(world.decoys.count >= decoys)
    }
}
