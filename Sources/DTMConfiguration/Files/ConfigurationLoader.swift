/// A configuration and where it came from.
public struct LoadedConfiguration: Hashable, Sendable {
    /// The validated value.
    public var configuration: Configuration
    /// The file; nil when there is none and the defaults are in force.
    public var path: String?
    /// What is allowed and still not as it should be: one line each.
    public var warnings: [String]

    /// A configuration from a file, or the defaults.
    public init(configuration: Configuration, path: String?, warnings: [String] = []) {
        self.configuration = configuration
        self.path = path
        self.warnings = warnings
    }
}

/// Finds, reads and validates the configuration, at start and at reload. It holds nothing between the two; a failure
/// leaves the caller with the value that it has.
public struct ConfigurationLoader: Sendable {
    /// Where to look.
    public var locator: ConfigurationLocator
    /// What to check against.
    public var context: ConfigurationContext
    /// The user that runs the manager.
    public var managerUID: UInt32

    /// A loader.
    public init(
        locator: ConfigurationLocator, context: ConfigurationContext = ConfigurationContext(), managerUID: UInt32
    ) {
        self.locator = locator
        self.context = context
        self.managerUID = managerUID
    }

    /// Loads the file that the locator finds, or the defaults.
    ///
    /// - Parameters:
    ///   - previous: what was loaded before. A file that was in force then and is gone now is an error, not a reason to
    ///     go by the defaults and close every tunnel.
    ///   - receivingKey: as for `Configuration.parse(bytes:source:context:receivingKey:)`.
    /// - Throws: ``ConfigurationError``.
    public func load(
        after previous: LoadedConfiguration? = nil, receivingKey: (UnsafeRawBufferPointer) throws -> Void = { _ in }
    ) throws(ConfigurationError) -> LoadedConfiguration {
        guard let located = try locator.locate(managerUID: managerUID) else {
            if let path = previous?.path { throw .vanished(path) }
            return LoadedConfiguration(configuration: .defaults, path: nil)
        }
        let path = located.path
        let configuration = try located.contents.withBytes { bytes throws(ConfigurationError) in
            try Configuration.parse(bytes: bytes, source: path, context: context, receivingKey: receivingKey)
        }
        let isExposed = configuration.openAIKeyPresent && located.isReadableByOthers
        let warning = "\(path) holds \(Schema.keyOfTheProvider) and others may read it; do: chmod go-r \(path)"
        return LoadedConfiguration(configuration: configuration, path: path, warnings: isExposed ? [warning] : [])
    }
}
