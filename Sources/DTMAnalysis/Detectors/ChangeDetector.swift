import Glibc

/// The recent median against an anchor that hardly moves: finds what changes too slowly for the others to see, and says when a change has
/// stayed so long that it is the new baseline.
///
/// The anchor gives way by one spread in 5,000 samples at most. It is set anew only where the recent values stand still at another level for a
/// time that grows with the history: a deployment does, a slow attempt to teach a baseline does not.
struct ChangeDetector: EvidenceSource {
    private static let window = 48
    private static let reluctance = 5_000.0

    private(set) var recent = RobustWindow(capacity: window)
    /// What the whole history calls a deviation: the local spread is not taken for less than a part of it.
    var scale = 0.0
    private var anchor = 0.0
    private var spread = 0.0
    private var seen = 0
    private var away = 0
    private var awaySince = 0.0
    private var checkpoint = 0.0
    private var local = TwoSidedCalibrator()
    private var drift = TwoSidedCalibrator()
    /// By how much the baseline has just been moved; nil when it was not.
    private(set) var relearnt: Double?

    /// Whether the value is as the anchor lets expect: others learn from it.
    private(set) var isAway = false

    mutating func weigh(_ sample: SeriesSample, _ give: (Evidence) -> Void) {
        relearnt = nil
        if seen >= Self.window { weighLocally(sample, give) }
        recent.add(sample.value)
        seen = min(seen + 1, 1 << 30)
        guard seen >= 2 * Self.window else { return settle() }
        let unit = max(spread, 1e-9, 1e-4 * abs(anchor))
        let off = (recent.median - anchor) / unit
        let surprise = drift.observe(off)
        isAway = drift.isInExcursion && surprise > 0
        give(
            Evidence(
                feature: .drift, surprise: surprise, observed: recent.median, expected: anchor,
                since: isAway ? awaySince : sample.time))
        isAway ? stayAway(sample.time, unit) : follow(off, unit)
    }

    private mutating func weighLocally(_ sample: SeriesSample, _ give: (Evidence) -> Void) {
        let unit = max(recent.spread, 0.25 * scale, 1e-9, 1e-5 * abs(recent.median))
        let surprise = local.observe((sample.value - recent.median) / unit)
        give(
            Evidence(
                feature: .local, surprise: surprise, observed: sample.value, expected: recent.median,
                since: sample.time))
    }

    /// The first hundred values are the first anchor.
    private mutating func settle() {
        anchor += (recent.median - anchor) / Double(min(seen, Self.window))
        spread += (max(recent.spread, abs(recent.median - anchor)) - spread) / Double(min(seen, Self.window))
    }

    private mutating func follow(_ off: Double, _ unit: Double) {
        away = 0
        let weight = 1 / min(Double(seen), Self.reluctance)
        anchor += min(max(off, -1), 1) * unit * weight
        spread += min(max(max(recent.spread, abs(off) * unit) - spread, -unit), unit) * weight
    }

    private mutating func stayAway(_ time: Double, _ unit: Double) {
        if away == 0 {
            awaySince = time
            checkpoint = recent.median
        }
        away += 1
        let patience = min(max(seen / 10, 2 * Self.window), 2_000)
        guard away % (patience / 2) == 0 else { return }
        let stands = abs(recent.median - checkpoint) <= max(0.5 * unit, 0.5 * recent.spread)
        checkpoint = recent.median
        guard stands, away >= patience else { return }
        relearn(unit)
    }

    private mutating func relearn(_ unit: Double) {
        relearnt = recent.median - anchor
        anchor = recent.median
        spread = max(recent.spread, 0.5 * unit)
        away = 0
        isAway = false
        drift.dropExcursion()
    }

    mutating func code(_ coder: inout StateCoder) throws {
        try recent.code(&coder)
        try coder.code(&scale, in: Bounds.positives)
        try coder.code(&anchor, in: -2e18...2e18)
        try coder.code(&spread, in: Bounds.positives)
        try coder.code(&seen, in: Bounds.counts)
        try coder.code(&away, in: Bounds.counts)
        try coder.code(&awaySince, in: Bounds.moments)
        try coder.code(&checkpoint, in: -2e18...2e18)
        try coder.code(&isAway)
        try local.code(&coder)
        try drift.code(&coder)
    }
}
