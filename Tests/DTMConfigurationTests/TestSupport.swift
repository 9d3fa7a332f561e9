import DTMTestSupport
import DTMConfiguration

extension SeededGenerator {
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
