/// Counts of many keys in little memory: never too small, too large by little (Cormode and Muthukrishnan, "An Improved Data Stream Summary:
/// The Count-Min Sketch and its Applications", 2005). Keyed, so that nobody who does not know the seed can choose keys that meet.
struct CountMinSketch {
    private static let rows = 4
    private let width: Int
    private let seed: UInt64
    private var counts: [Float]

    /// - Parameter width: a power of two.
    init(width: Int, seed: UInt64) {
        self.width = width
        self.seed = seed
        counts = [Float](repeating: 0, count: Self.rows * width)
    }

    mutating func add(_ key: UInt64, _ amount: Float) {
        for row in 0..<Self.rows {
            let place = place(key, row)
            counts[place] = min(counts[place] + amount, 1e30)
        }
    }

    func count(of key: UInt64) -> Float {
        var least = Float.infinity
        for row in 0..<Self.rows { least = min(least, counts[place(key, row)]) }
        return least
    }

    /// What was counted counts less from now on.
    mutating func decay(by factor: Float) {
        for index in counts.indices { counts[index] *= factor }
    }

    private func place(_ key: UInt64, _ row: Int) -> Int {
        let hash = mixed(mixed(key ^ seed) &+ UInt64(row) &* 0x9e37_79b9_7f4a_7c15)
        return row * width + Int(hash & UInt64(width - 1))
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func mixed(_ value: UInt64) -> UInt64 {
    var mixed = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
}
