/// Median, spread and quantiles of a bounded sample of the past, always sorted.
///
/// With `longestStride` 1 it holds the last values. Otherwise it thins out as history grows: every second value is dropped and only one in
/// 2, 4, 8 … is taken from then on, at random within its stride so that what recurs regularly is not taken always or never.
struct RobustWindow {
    private var ring: [Float]
    private var sorted: [Float]
    private(set) var count = 0
    private var next = 0
    private var stride = 1
    private var phase = 0
    private var chosen = 0
    private var random: UInt64
    private let longestStride: Int

    private(set) var median = 0.0
    /// The median absolute deviation, as a standard deviation of normal noise (times 1.4826).
    private(set) var spread = 0.0

    init(capacity: Int, longestStride: Int = 1, seed: UInt64 = 1) {
        ring = [Float](repeating: 0, count: capacity)
        sorted = ring
        self.longestStride = longestStride
        random = seed
    }

    /// Takes a value, or passes it over. True when it was taken.
    @discardableResult
    mutating func add(_ value: Double) -> Bool {
        defer { advance() }
        guard phase == chosen else { return false }
        insert(Float(value))
        measure()
        return true
    }

    private mutating func advance() {
        phase += 1
        guard phase >= stride else { return }
        phase = 0
        if count == ring.count, stride < longestStride, next == 0 { thin() }
        chosen = stride == 1 ? 0 : Int(draw() % UInt64(stride))
    }

    private mutating func draw() -> UInt64 {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return random >> 33
    }

    private mutating func insert(_ value: Float) {
        var position = count
        if count == ring.count {
            position = place(of: ring[next])
            while position + 1 < count, sorted[position + 1] < value {
                sorted[position] = sorted[position + 1]
                position += 1
            }
        } else {
            count += 1
        }
        while position > 0, sorted[position - 1] > value {
            sorted[position] = sorted[position - 1]
            position -= 1
        }
        sorted[position] = value
        ring[next] = value
        next = next + 1 == ring.count ? 0 : next + 1
    }

    /// The first place in the order that is not below `value`.
    private func place(of value: Float) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return min(low, count - 1)
    }

    private mutating func thin() {
        stride *= 2
        let half = ring.count / 2
        for index in 0..<half { ring[index] = ring[2 * index] }
        count = half
        next = half
        order()
    }

    private mutating func order() {
        for index in 0..<count { sorted[index] = ring[index] }
        sorted[0..<count].sort()
        measure()
    }

    /// The deviations from the median grow outwards on both sides of it: the middle one is found by merging.
    private mutating func measure() {
        guard count > 0 else { return }
        let middle = count / 2
        let centre = sorted[middle]
        var left = middle - 1
        var right = middle
        var deviation: Float = 0
        for _ in 0...(count / 2) {
            let low = left >= 0 ? centre - sorted[left] : .infinity
            let high = right < count ? sorted[right] - centre : .infinity
            if low < high {
                deviation = low
                left -= 1
            } else {
                deviation = high
                right += 1
            }
        }
        median = Double(centre)
        spread = 1.4826 * Double(deviation)
    }

    /// The value that a share `part` of them lies below.
    func quantile(_ part: Double) -> Double {
        guard count > 0 else { return 0 }
        return Double(sorted[min(count - 1, max(0, Int(part * Double(count))))])
    }

    /// Holds what `other` holds, and nothing of before.
    mutating func restart(from other: RobustWindow) {
        stride = 1
        phase = 0
        chosen = 0
        count = 0
        next = 0
        let kept = min(other.count, ring.count)
        for index in 0..<kept { ring[index] = other.sorted[index * other.count / kept] }
        count = kept
        next = kept == ring.count ? 0 : kept
        order()
    }

    mutating func code(_ coder: inout StateCoder) throws {
        try coder.code(&ring, in: Bounds.floats)
        try coder.code(&count, in: 0...ring.count)
        try coder.code(&next, in: 0...(ring.count - 1))
        try coder.code(&stride, in: 1...longestStride)
        try coder.code(&phase, in: 0...(stride - 1))
        try coder.code(&chosen, in: 0...(stride - 1))
        try coder.code(&random)
        try coder.check(count == ring.count || next == count)
        if coder.isReading { order() }
    }
}
