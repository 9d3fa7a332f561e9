import DTMConfiguration

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
