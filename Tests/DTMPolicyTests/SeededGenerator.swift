/// SplitMix64 (Steele, Lea, Flood): random input that is the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// `text` with a few bytes changed, removed or put in.
    mutating func mutated(_ text: [UInt8]) -> [UInt8] {
        var bytes = text
        for _ in 0..<Int.random(in: 1...8, using: &self) {
            let index = Int.random(in: 0...bytes.count, using: &self)
            switch UInt8.random(in: 0..<3, using: &self) {
            case 0 where index < bytes.count: bytes[index] = .random(in: 0...255, using: &self)
            case 1 where index < bytes.count: bytes.remove(at: index)
            default: bytes.insert(.random(in: 0...255, using: &self), at: index)
            }
        }
        return bytes
    }
}
