import DTMConfiguration

/// A generator that gives the same numbers every time (SplitMix64).
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

    mutating func chance(_ fraction: Double) -> Bool { Double.random(in: 0..<1, using: &self) < fraction }
}

func parse(_ text: String, context: ConfigurationContext = ConfigurationContext()) throws(ConfigurationError)
    -> Configuration
{
    try Configuration.parse(Array(text.utf8), source: "config.json", context: context)
}

/// The problems of a text; none when it is fine.
func problems(_ text: String, context: ConfigurationContext = ConfigurationContext()) -> [ConfigurationProblem] {
    do {
        _ = try parse(text, context: context)
        return []
    } catch {
        return error.problems
    }
}
