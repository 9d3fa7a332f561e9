/// How long rotations took: a histogram of fixed size, so that recording for a year costs what recording for a second
/// does.
///
/// Log-linear, as in HdrHistogram (Tene): exact below 64 µs, above it 32 steps to each doubling, so a quantile is at
/// most 1/32 (3.2 %) too high.
public struct RotationTimings: Hashable, Sendable {
    private static let exactLimit: UInt32 = 64
    private static let stepBits = 5
    private static let slots = 64 + (32 - 6) << 5

    private var counts: [UInt32] = []
    /// How many were recorded.
    public private(set) var count: UInt64 = 0
    /// The longest, exact, in microseconds; 0 when there is none.
    public private(set) var maximumMicroseconds: UInt32 = 0

    public init() {}

    /// Adds one rotation.
    public mutating func record(microseconds: UInt32) {
        if counts.isEmpty { counts = [UInt32](repeating: 0, count: Self.slots) }
        let slot = Self.slot(of: microseconds)
        // A count that is full stays full: 4 billion rotations of one duration skew nothing that matters.
        if counts[slot] < .max { counts[slot] += 1 }
        count += 1
        maximumMicroseconds = max(maximumMicroseconds, microseconds)
    }

    /// The duration that the given part of the rotations did not exceed, in microseconds; 0 when there is none.
    ///
    /// - Parameter part: 0.5 for the median, 0.99 for the 99th percentile; clamped to 0…1.
    public func quantile(_ part: Double) -> UInt32 {
        guard count > 0, !part.isNaN else { return 0 }
        let rank = max(1, (min(1, max(0, part)) * Double(count)).rounded(.up))
        var seen = 0.0
        for (slot, number) in counts.enumerated() where number > 0 {
            seen += Double(number)
            if seen >= rank { return min(Self.upperBound(of: slot), maximumMicroseconds) }
        }
        return maximumMicroseconds
    }

    /// Forgets all.
    public mutating func reset() { self = Self() }

    private static func slot(of value: UInt32) -> Int {
        guard value >= exactLimit else { return Int(value) }
        let exponent = 31 - value.leadingZeroBitCount
        let step = Int(value >> UInt32(exponent - stepBits)) & 31
        return 64 + (exponent - 6) << stepBits + step
    }

    /// The highest value of a slot.
    private static func upperBound(of slot: Int) -> UInt32 {
        guard slot >= Int(exactLimit) else { return UInt32(slot) }
        let exponent = (slot - 64) >> stepBits + 6
        let step = UInt64((slot - 64) & 31)
        let width = UInt64(1) << UInt64(exponent - stepBits)
        return UInt32(clamping: (32 + step + 1) * width - 1)
    }
}
