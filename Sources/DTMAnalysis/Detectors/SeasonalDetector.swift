import Glibc

/// What the hour of the day and the day of the week usually bring, and how far a value is from it.
///
/// Two additive profiles (as in Holt and Winters' additive method: Winters, "Forecasting Sales by Exponentially Weighted Moving Averages",
/// 1960): 96 quarters of an hour, and on top of them what each of the week's 168 hours brings beside that. A quarter is learnt once it is
/// over, by the mean of what it brought, and what is far off only in part. Nothing is said before most of a day was seen twice.
struct SeasonalDetector: EvidenceSource {
    private static let quarters = 96
    private static let hours = 168

    private var day = [Float](repeating: 0, count: quarters)
    /// By how much the visits of a quarter differed.
    private var dayDeviations = [Float](repeating: 0, count: quarters)
    private var dayVisits = [Float](repeating: 0, count: quarters)
    private var week = [Float](repeating: 0, count: hours)
    private var weekVisits = [Float](repeating: 0, count: hours)

    private var quarter = SlotMean()
    private var hour = SlotMean()
    private var scale = 0.0
    private var smooth = 0.0
    private var seen = 0

    private var instant = TwoSidedCalibrator()
    private var trend = TwoSidedCalibrator()

    /// The mean of what a slot has brought while it lasts.
    private struct SlotMean {
        var slot = -1
        var sum = 0.0
        var count = 0.0

        mutating func code(_ coder: inout StateCoder, slots: Int) throws {
            try coder.code(&slot, in: -1...(slots - 1))
            try coder.code(&sum, in: -1e30...1e30)
            try coder.code(&count, in: 0...1e12)
        }
    }

    mutating func weigh(_ sample: SeriesSample, _ give: (Evidence) -> Void) {
        let minute = Int((sample.time / 60).rounded(.down))
        let week = (minute % 10_080 + 10_080) % 10_080
        let (slot, weekSlot) = (week % 1_440 / 15, week / 60)
        let known = dayVisits[slot] >= 3
        let base = Double(day[slot])
        let extra = weekVisits[weekSlot] >= 2 ? Double(self.week[weekSlot]) : 0
        if known { judge(sample, expected: base + extra, spread: Double(dayDeviations[slot]), give) }
        enter(slot, weekSlot)
        quarter.sum += sample.value
        quarter.count += 1
        if known {
            hour.sum += sample.value - base
            hour.count += 1
        }
    }

    private mutating func judge(
        _ sample: SeriesSample, expected: Double, spread: Double, _ give: (Evidence) -> Void
    ) {
        let residual = sample.value - expected
        seen = min(seen + 1, 1 << 30)
        let floor = max(1e-9, 1e-5 * abs(expected))
        let unit = max(scale, floor)
        smooth += (residual - smooth) * 0.08
        if abs(residual) > floor {
            let size = seen > 64 ? min(abs(residual), 8 * unit) : abs(residual)
            scale += (size - scale) / Double(min(seen, 500))
        }
        guard seen >= 16 else { return }
        let now = instant.observe(residual / max(unit, spread))
        give(Evidence(feature: .season, surprise: now, observed: sample.value, expected: expected, since: sample.time))
        let lasting = trend.observe(2 * smooth / unit)
        give(
            Evidence(
                feature: .seasonalTrend, surprise: lasting, observed: expected + smooth, expected: expected,
                since: sample.time))
    }

    private mutating func enter(_ slot: Int, _ weekSlot: Int) {
        if quarter.slot != slot {
            commitDay()
            quarter = SlotMean(slot: slot)
        }
        if hour.slot != weekSlot {
            Self.commit(hour, into: &week, visits: &weekVisits, limit: 4 * scale)
            hour = SlotMean(slot: weekSlot)
        }
    }

    private mutating func commitDay() {
        if quarter.slot >= 0, quarter.count > 0, dayVisits[quarter.slot] > 0 {
            let off = abs(quarter.sum / quarter.count - Double(day[quarter.slot]))
            let old = Double(dayDeviations[quarter.slot])
            let bounded = dayVisits[quarter.slot] > 3 ? min(off, 8 * max(scale, old)) : off
            dayDeviations[quarter.slot] += Float((bounded - old) / Double(min(dayVisits[quarter.slot], 6)))
        }
        Self.commit(quarter, into: &day, visits: &dayVisits, limit: 4 * scale)
    }

    private static func commit(_ mean: SlotMean, into slots: inout [Float], visits: inout [Float], limit: Double) {
        guard mean.slot >= 0, mean.count > 0 else { return }
        let count = min(visits[mean.slot] + 1, 6)
        var off = mean.sum / mean.count - Double(slots[mean.slot])
        if count > 3, limit > 0 { off = min(max(off, -limit), limit) }
        slots[mean.slot] += Float(off / Double(count))
        visits[mean.slot] = count
    }

    /// The profiles move as a whole.
    mutating func relearn(by difference: Double) {
        let off = Float(difference)
        for slot in day.indices where dayVisits[slot] > 0 {
            day[slot] = min(max(day[slot] + off, Bounds.floats.lowerBound), Bounds.floats.upperBound)
        }
        smooth = 0
        instant.dropExcursion()
        trend.dropExcursion()
    }

    mutating func code(_ coder: inout StateCoder) throws {
        try coder.code(&day, in: Bounds.floats)
        try coder.code(&dayDeviations, in: 0...Bounds.floats.upperBound)
        try coder.code(&dayVisits, in: 0...6)
        try coder.code(&week, in: -4e18...4e18)
        try coder.code(&weekVisits, in: 0...6)
        try quarter.code(&coder, slots: Self.quarters)
        try hour.code(&coder, slots: Self.hours)
        try coder.code(&scale, in: Bounds.positives)
        try coder.code(&smooth, in: -1e20...1e20)
        try coder.code(&seen, in: Bounds.counts)
        try instant.code(&coder)
        try trend.code(&coder)
    }
}
