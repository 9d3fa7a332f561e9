public import DTMTunnel

/// Trials by the thousand, which would take hours on the clock: the attacker is drawn, what he meets is placed by the code
/// that the data plane runs (``ListenerField``).
public struct Trials: Sendable {
    public let decoys: Int
    public let timing: RotationTiming
    public let schedule: EndpointSchedule
    public let seed: UInt64

    public init(decoys: Int, timing: RotationTiming, schedule: EndpointSchedule, seed: UInt64) {
        self.decoys = decoys
        self.timing = timing
        self.schedule = schedule
        self.seed = seed
    }

    /// Trials that share the picture of one moment: more where a picture takes long to make.
    private var trialsAtOnce: Int { decoys > 100 ? 100 : 20 }

    /// What came of ``first(_:)``.
    public struct Touch: Hashable, Sendable {
        /// How often the first that was probed served.
        public let measured: Proportion
        /// What to expect with every listener counted, the rotation's own decoys too.
        public let expected: Double
        /// The mean of R / (R + K) over the same moments.
        public let formula: Double
    }

    /// Each a new attacker at a random moment, who sees every listener and probes one that he can't tell from the others.
    ///
    /// - Throws: `SecretsError` when there is no memory for the schedule's key.
    public func first(_ trials: Int) throws -> Touch {
        var field = try ListenerField(seed: seed, decoys: decoys, timing: timing, schedule: schedule)
        var dice = Dice(seed: seed &+ 1)
        field.advance(by: .milliseconds(Int64(timing.intervalMilliseconds) * 10))
        var (done, hits, expected, formula) = (0, 0, 0.0, 0.0)
        while done < trials {
            field.advance(by: randomStep(&dice))
            let batch = min(trialsAtOnce, trials - done)
            let (real, all) = (field.real, field.all)
            for _ in 0..<batch where Int.random(in: 0..<all, using: &dice) < real { hits += 1 }
            expected += Double(real) / Double(all) * Double(batch)
            formula += Double(real) / Double(real + decoys) * Double(batch)
            done += batch
        }
        let count = Double(max(1, trials))
        return Touch(
            measured: Proportion(hits: hits, trials: trials), expected: expected / count, formula: formula / count)
    }

    /// Each one probe at a random place of the range by somebody who sees nothing.
    ///
    /// - Throws: as ``first(_:)``.
    public func blind(_ trials: Int) throws -> Proportion {
        var field = try ListenerField(seed: seed, decoys: decoys, timing: timing, schedule: schedule)
        var dice = Dice(seed: seed &+ 2)
        var (done, hits) = (0, 0)
        while done < trials {
            field.advance(by: randomStep(&dice))
            let real = Set(field.realPlaces)
            let batch = min(100, trials - done)
            var draw = schedule.draw()
            for _ in 0..<batch {
                // After the last port, from the first again.
                var place = draw.next(using: &dice)
                if place == nil {
                    draw = schedule.draw()
                    place = draw.next(using: &dice)
                }
                if let place, real.contains(place) { hits += 1 }
            }
            done += batch
        }
        return Proportion(hits: hits, trials: trials)
    }

    private func randomStep(_ dice: inout Dice) -> Duration {
        let interval = Int64(timing.intervalMilliseconds)
        return .milliseconds(Int64.random(in: interval / 5...interval * 2, using: &dice))
    }
}
