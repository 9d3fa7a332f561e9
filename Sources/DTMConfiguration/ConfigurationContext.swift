public import DTMCore

/// What a configuration is checked against and can't know by itself.
public struct ConfigurationContext: Sendable {
    /// Ports that no endpoint uses, as the schedule skips them.
    public var skippedPorts: Set<UInt16>

    /// A context. Without arguments: the built-in list of well-known ports.
    public init(skippedPorts: Set<UInt16> = Set(WellKnownPorts.builtIn)) { self.skippedPorts = skippedPorts }
}
