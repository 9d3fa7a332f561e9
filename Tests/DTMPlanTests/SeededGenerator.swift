/// SplitMix64: the same numbers from the same seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// Text of random characters of `alphabet`.
    mutating func text(of alphabet: String, lengths: ClosedRange<Int>) -> String {
        let characters = Array(alphabet)
        let count = Int.random(in: lengths, using: &self)
        return String((0..<count).compactMap { _ in characters.randomElement(using: &self) })
    }
}
