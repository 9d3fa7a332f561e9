/// A generator that gives the same numbers for the same seed, so that a failure can be repeated: SplitMix64 (Steele, Lea and Flood, "Fast
/// Splittable Pseudorandom Number Generators", 2014).
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// True in `fraction` of the cases.
    package mutating func chance(_ fraction: Double) -> Bool { Double.random(in: 0..<1, using: &self) < fraction }

    /// A text of characters of `alphabet`.
    package mutating func text(of alphabet: String, lengths: ClosedRange<Int>) -> String {
        let characters = Array(alphabet)
        let count = Int.random(in: lengths, using: &self)
        return String((0..<count).compactMap { _ in characters.randomElement(using: &self) })
    }

    /// The bytes with 1 to 8 of them changed, removed or added.
    package mutating func mutated(_ text: [UInt8]) -> [UInt8] {
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
