import DTMCore

/// So much a minute, and never more than a minute's worth at once.
struct TokenBucket: Hashable, Sendable {
    private let perMinute: Double
    private var level: Double
    private var filled: Timestamp

    init(perMinute: Int, at now: Timestamp) {
        self.perMinute = Double(perMinute)
        level = Double(perMinute)
        filled = now
    }

    /// Whether `amount` is there now; more than a minute's worth is asked of a full bucket.
    mutating func has(_ amount: Int, at now: Timestamp) -> Bool {
        let seconds = max(0, (now - filled).inSeconds)
        level = min(perMinute, level + perMinute * seconds / 60)
        filled = max(filled, now)
        return level >= min(Double(amount), perMinute) - 1e-6
    }

    /// Takes `amount`; the level may fall below zero when more was used than was there.
    mutating func take(_ amount: Int) { level = max(level - Double(amount), -perMinute) }

    /// Puts back what was not used after all.
    mutating func giveBack(_ amount: Int) { level = min(level + Double(amount), perMinute) }
}
