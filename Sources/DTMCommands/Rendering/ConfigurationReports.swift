import DTMAPI
import DTMConfiguration
import DTMText

/// `dtm config show --json` and `dtm config default --json`.
struct ConfigurationReport: Codable, Hashable, Sendable {
    var schemaVersion = apiSchemaVersion
    var configuration: JSONValue

    /// - Throws: `DecodingError` when `text` is not JSON.
    init(text: String) throws {
        configuration = try APIJSON.decode(JSONValue.self, from: text.utf8)
    }
}

/// `dtm config validate --json`.
struct ValidationReport: Codable, Hashable, Sendable {
    struct Problem: Codable, Hashable, Sendable {
        /// `unknownKey`, `value` and so on: see ``ConfigurationProblem/Kind``.
        var kind: String
        /// As `tunnels[2].portRange`; empty for the file as a whole.
        var key: String
        var value: String?
        var allowed: String
        var nearest: String?
        /// Line and column.
        var position: String?

        init(_ problem: ConfigurationProblem) {
            kind = problem.kind.rawValue
            key = problem.keyPath
            value = problem.value
            allowed = problem.allowed
            nearest = problem.nearest
            position = problem.position.map { "\($0)" }
        }
    }

    var schemaVersion = apiSchemaVersion
    var valid: Bool
    /// The file; nil when there is none and the defaults are in force.
    var configuration: String?
    /// Nil when it is valid.
    var message: String?
    var problems: [Problem]
    var warnings: [String]

    init(_ loaded: LoadedConfiguration) {
        valid = true
        configuration = loaded.path
        problems = []
        warnings = loaded.warnings
    }

    init(_ error: ConfigurationError) {
        valid = false
        configuration = error.source
        message = error.message
        problems = error.problems.map(Problem.init)
        warnings = []
    }
}

/// `dtm config validate` for people, when all is well.
enum ValidationView {
    static func lines(_ loaded: LoadedConfiguration, _ style: TextStyle) -> [String] {
        guard let path = loaded.path else {
            return ["There is no config.json: the defaults are in force. See them: dtm config default"]
        }
        let rotation = Quantity.duration(seconds: loaded.configuration.rotation.intervalSeconds)
        let tunnels = Quantity.count(loaded.configuration.tunnels.count, "tunnel")
        return [style.paint("\(shown(path)) is valid: \(tunnels), a move each \(rotation).", .green)]
            + loaded.warnings.map { style.paint("warning:", .yellow) + " \(shown($0))" }
    }
}
