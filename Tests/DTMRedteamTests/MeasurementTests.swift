import DTMCore
import DTMTunnel
import Testing

@testable import DTMRedteam

@Suite("What is measured, and beside which formula")
struct MeasurementTests {
    static func trials(
        _ decoys: Int, seed: UInt64, mode: AddressMode = .hop, ports: ClosedRange<UInt16> = 5_000...6_000
    )
        throws -> Trials
    {
        Trials(
            decoys: decoys, timing: RotationTiming(intervalMilliseconds: 10_000, overlapMilliseconds: 2_000),
            schedule: try EndpointSchedule(
                parameters: ScheduleParameters(
                    intervalMilliseconds: 10_000, lowestPort: ports.lowerBound, highestPort: ports.upperBound,
                    skippedPorts: [], addressMode: mode)),
            seed: seed)
    }

    @Test("Wilson's interval is the published one, and holds what was measured at the ends too")
    func wilson() {
        // Brown, Cai and DasGupta's formula by hand for 5 of 20: 0.1119 to 0.4687.
        let some = Proportion(hits: 5, trials: 20).interval()
        #expect(abs(some.lowerBound - 0.1119) < 0.0001 && abs(some.upperBound - 0.4687) < 0.0001)
        let none = Proportion(hits: 0, trials: 10_000).interval()
        #expect(none.lowerBound == 0 && abs(none.upperBound - 0.000384) < 0.000001)
        #expect(Proportion(hits: 7, trials: 7).interval().upperBound == 1)
        #expect(Proportion(hits: 9, trials: 0).value == 1)
    }

    @Test("the formula gives the published figures", arguments: [(7, 0.1444), (31, 0.0371), (255, 0.0047)])
    func formula(_ decoys: Int, _ figure: Double) {
        #expect(abs(Formulas.touch(decoys: decoys, interval: 10, overlap: 2) - figure) < 0.0001)
        #expect(abs(Formulas.touch(decoys: decoys, interval: 10, overlap: 20) - 3 / Double(3 + decoys)) < 1e-9)
    }

    @Test("a scanner of 33,000 probes a second finds an endpoint within an epoch with 2 in 100,000")
    func blindFormula() {
        #expect(abs(Formulas.blind(probes: 330_000, ports: 1_001) - 1.96e-5) < 1e-7)
    }

    @Test(
        "10,000 attackers who probe one listener at random do so as the schedule's own code predicts",
        arguments: [7, 31, 255])
    func touch(_ decoys: Int) throws {
        let touch = try Self.trials(decoys, seed: 4_711).first(10_000)
        let bounds = touch.measured.interval(deviations: Proportion.deviationsOf9999Percent)
        print(
            "K = \(decoys): \(touch.measured.value) in \(bounds), expected \(touch.expected), formula \(touch.formula)")
        #expect(bounds.contains(touch.expected))
        // The rotation's own decoys come on top of K: reality may be better than the promise, and no worse.
        #expect(bounds.lowerBound <= touch.formula)
        #expect(abs(touch.formula - Formulas.touch(decoys: decoys, interval: 10, overlap: 2)) < touch.formula / 10)
    }

    @Test("0 of 10,000 blind probes meet an endpoint where addresses hop; where one address has four ports, many do")
    func blind() throws {
        #expect(try Self.trials(31, seed: 1).blind(10_000).hits == 0)
        // The same trials are not blind to a hit.
        #expect(try Self.trials(0, seed: 1, mode: .fixed, ports: 5_001...5_004).blind(1_000).hits > 100)
    }

    @Test("the same seed gives the same figures")
    func repeats() throws {
        let once = try Self.trials(7, seed: 3).first(500)
        #expect(try Self.trials(7, seed: 3).first(500) == once)
        #expect(try Self.trials(7, seed: 4).first(500) != once)
    }
}
