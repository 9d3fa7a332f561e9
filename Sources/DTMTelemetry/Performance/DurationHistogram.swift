/// How often something took how long: a histogram of fixed size, so that recording for a year costs what recording for a
/// second does.
///
/// Log-linear, as in HdrHistogram (Tene): exact below 64 µs, above it 32 steps to each doubling, so a quantile is at
/// most 1/32 (3.2 %) too high. All that takes longer than 50 days (2^42 µs) stands in the last step. It takes 5 KiB, from the
/// first value on.
public struct DurationHistogram: Hashable, Sendable {
    private static let exactLimit: UInt64 = 64
    private static let stepBits = 5
    /// Values have at most so many bits.
    private static let valueBits = 42
    private static let slots = 64 + (valueBits - 6) << stepBits

    private var counts: [UInt32] = []
    /// How many were recorded.
    public private(set) var count: UInt64 = 0
    /// The longest, exact, in microseconds; 0 when there is none.
    public private(set) var maximumMicroseconds: UInt64 = 0

    public init() {}

    /// Adds one.
    public mutating func record(microseconds: UInt64) {
        if counts.isEmpty { counts = [UInt32](repeating: 0, count: Self.slots) }
        let slot = Self.slot(of: min(microseconds, 1 << Self.valueBits - 1))
        // A count that is full stays full: 4 billion of one duration skew nothing that matters.
        if counts[slot] < .max { counts[slot] += 1 }
        count += 1
        maximumMicroseconds = max(maximumMicroseconds, microseconds)
    }

    /// The duration that the given part did not exceed, in microseconds; 0 when there is none.
    ///
    /// - Parameter part: 0.5 for the median, 0.99 for the 99th percentile; clamped to 0…1.
    public func quantile(_ part: Double) -> UInt64 {
        guard count > 0, !part.isNaN else { return 0 }
        let rank = max(1, (min(1, max(0, part)) * Double(count)).rounded(.up))
        var seen = 0.0
        for (slot, number) in counts.enumerated() where number > 0 {
            seen += Double(number)
            if seen >= rank { return min(Self.upperBound(of: slot), maximumMicroseconds) }
        }
        return maximumMicroseconds
    }

    /// How many there are in each doubling: element `i` took less than 2^i µs and, from the second on, at least 2^(i−1) µs. Without
    /// the empty ones at the end.
    public var doublings: [UInt64] {
        var doublings: [UInt64] = []
        for (slot, number) in counts.enumerated() where number > 0 {
            let index = UInt64.bitWidth - Self.upperBound(of: slot).leadingZeroBitCount
            while doublings.count <= index { doublings.append(0) }
            doublings[index] += UInt64(number)
        }
        return doublings
    }

    /// Forgets all.
    public mutating func reset() { self = Self() }

    private static func slot(of value: UInt64) -> Int {
        guard value >= exactLimit else { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount
        let step = Int(value >> UInt64(exponent - stepBits)) & 31
        return 64 + (exponent - 6) << stepBits + step
    }

    /// The highest value of a slot.
    private static func upperBound(of slot: Int) -> UInt64 {
        guard slot >= Int(exactLimit) else { return UInt64(slot) }
        let exponent = (slot - 64) >> stepBits + 6
        let step = UInt64((slot - 64) & 31)
        let width = UInt64(1) << UInt64(exponent - stepBits)
        return (32 + step + 1) * width - 1
    }
}
