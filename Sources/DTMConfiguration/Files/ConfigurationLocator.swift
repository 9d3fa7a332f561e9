/// Finds the configuration file: the first of the places that has one.
///
/// The order: `--config`, `$DTM_CONFIG`, `./config/config.json`, `$DTM_HOME/config.json`, `/etc/dtm/config.json`. A
/// file that one of the first two names has to be there; nothing else is looked at then.
public struct ConfigurationLocator: Hashable, Sendable {
    /// How a place came onto the list.
    public enum Origin: Hashable, Sendable {
        /// Somebody named it: by `--config` or `DTM_CONFIG`.
        case named(by: String)
        /// It is looked at by habit.
        case searched
        /// As `searched`; it belongs to the administrator, and a user who may not look there has none.
        case system
    }

    /// A path where a configuration may be.
    public struct Place: Hashable, Sendable {
        /// As it was given.
        public var path: String
        /// How it came onto the list.
        public var origin: Origin

        /// Whoever names a file answers for its links; a link at a place that is only searched may be anybody's.
        var followsLinks: Bool {
            if case .named = origin { true } else { false }
        }
    }

    /// The places in their order.
    public let places: [Place]

    /// Lists the places.
    ///
    /// - Parameters:
    ///   - commandLine: what `--config` says; nil without it.
    ///   - environment: what `DTM_CONFIG` says; nil, or empty, without it.
    ///   - home: the manager's home, `DTM_HOME`.
    ///   - workingDirectory: where `config/config.json` is looked for.
    ///   - systemPath: the administrator's file.
    public init(
        commandLine: String?, environment: String?, home: String, workingDirectory: String = ".",
        systemPath: String = "/etc/dtm/config.json"
    ) {
        if let commandLine {
            places = [Place(path: commandLine, origin: .named(by: "--config"))]
        } else if let environment, !environment.isEmpty {
            places = [Place(path: environment, origin: .named(by: "DTM_CONFIG"))]
        } else {
            places = [
                Place(path: "\(workingDirectory)/config/config.json", origin: .searched),
                Place(path: "\(home)/config.json", origin: .searched),
                Place(path: systemPath, origin: .system),
            ]
        }
    }

    /// Opens, checks and reads the first file that is there; nil when there is none, and the defaults are in force.
    ///
    /// - Parameter managerUID: the user that runs the manager.
    /// - Throws: ``ConfigurationError`` when a named file is missing, and when the file that was found is not a regular
    ///   one, belongs to somebody other than `managerUID` or root, may be written by its group or by everybody, is
    ///   longer than 1 MiB or can't be read. The search does not go on past a file that is refused.
    public func locate(managerUID: UInt32) throws(ConfigurationError) -> LocatedConfiguration? {
        for place in places {
            guard let descriptor = try ConfigurationFile.open(place) else { continue }
            let facts = try ConfigurationFile.facts(of: descriptor, path: place.path)
            if let refusal = ConfigurationFile.refusal(of: facts, path: place.path, managerUID: managerUID) {
                throw refusal
            }
            return LocatedConfiguration(
                path: place.path, isReadableByOthers: facts.isReadableByOthers,
                contents: try ConfigurationContents(reading: descriptor, path: place.path))
        }
        return nil
    }
}

/// A configuration file that was found, trusted and read.
public struct LocatedConfiguration: ~Copyable {
    /// Where it is.
    public let path: String
    /// Whether its group or everybody may read it.
    public let isReadableByOthers: Bool
    /// What it says; wiped with this value.
    public let contents: ConfigurationContents
}
