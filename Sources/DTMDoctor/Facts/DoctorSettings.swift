/// What the checks can't find on the host: what is configured, and who is asking. Whoever runs the checks says it.
public struct DoctorSettings: Hashable, Sendable {
    /// How it stands with the configuration.
    public enum ConfigurationState: Hashable, Sendable {
        /// It is valid; the path is nil when the defaults are in force. The notes say what is odd about it.
        case valid(path: String?, tunnels: Int, warnings: [String])
        /// The file differs from what is in force.
        case changed(path: String?, changes: [String])
        case refused(path: String?, message: String, hint: String?)
    }

    /// How it stands with the manager of the home.
    public enum ManagerState: Hashable, Sendable {
        /// It is the one that runs the checks, or has answered.
        case answers(version: String)
        /// Another version answers than the one that asks.
        case differs(version: String, own: String)
        case none
        /// There is one that does not answer as it should.
        case broken(message: String, hint: String?)
        /// There is one that does not answer this user.
        case closed(String)
    }

    /// How the processes of a manager that runs protect secrets.
    public struct Protection: Hashable, Sendable {
        /// Of control and of the data plane: `secret` or `locked`; nil while there is no data plane.
        public var control: String
        public var dataPlane: String?
        /// Why one of them is not `secret`; nil when both are.
        public var reason: String?
        /// What does not hold any more.
        public var lapses: [String]

        public init(control: String, dataPlane: String?, reason: String?, lapses: [String]) {
            self.control = control
            self.dataPlane = dataPlane
            self.reason = reason
            self.lapses = lapses
        }
    }

    /// Absolute; nil when this user has none.
    public var home: String?
    /// What a command needs so that it reaches this home: ` --home DIR`, or nothing where it is the usual one.
    public var homeOption: String
    public var configuration: ConfigurationState
    public var manager: ManagerState
    /// What endpoints are drawn from, by any tunnel; each once.
    public var endpoints: [EndpointRange]
    /// Ports that no endpoint uses.
    public var skippedPorts: Set<UInt16>
    /// The manager's own listeners.
    public var ownPorts: Set<UInt16>
    public var maximumConnections: Int
    public var maximumTunnels: Int
    /// The most that the log may take on disk.
    public var logBytes: UInt64
    /// Whether `memory.protection` is `require`.
    public var requiresSecretMemory: Bool
    /// What is in force; nil without a manager.
    public var protection: Protection?

    public init(
        home: String?, homeOption: String = "", configuration: ConfigurationState, manager: ManagerState,
        endpoints: [EndpointRange],
        skippedPorts: Set<UInt16>, ownPorts: Set<UInt16> = [], maximumConnections: Int, maximumTunnels: Int,
        logBytes: UInt64, requiresSecretMemory: Bool = false, protection: Protection? = nil
    ) {
        self.home = home
        self.homeOption = homeOption
        self.configuration = configuration
        self.manager = manager
        self.endpoints = endpoints.enumerated().filter { endpoints.firstIndex(of: $0.element) == $0.offset }.map(
            \.element)
        self.skippedPorts = skippedPorts
        self.ownPorts = ownPorts
        self.maximumConnections = maximumConnections
        self.maximumTunnels = maximumTunnels
        self.logBytes = logBytes
        self.requiresSecretMemory = requiresSecretMemory
        self.protection = protection
    }
}

/// The ports of some tunnel's endpoints.
public struct EndpointRange: Hashable, Sendable {
    public var ports: ClosedRange<UInt16>
    /// Whether its addresses move as well: then only who listens everywhere is in the way.
    public var hopsAddresses: Bool

    public init(ports: ClosedRange<UInt16>, hopsAddresses: Bool) {
        self.ports = ports
        self.hopsAddresses = hopsAddresses
    }
}
