public import DTMCore

/// Everything that `config.json` says, validated, with defaults for what it leaves out.
///
/// Take ``defaults``, or read a file with ``ConfigurationLoader`` or text with `parse`. Each key, its unit, its bounds
/// and the reason for its default stand in `docs/configuration.md`. Durations are in seconds.
///
/// The key for a model provider is never part of this value: see ``openAIKeyPresent``.
public struct Configuration: Hashable, Sendable {
    /// How endpoints move.
    public var rotation = RotationSettings()
    /// How long certificates and connections may live.
    public var certificates = CertificateSettings()
    /// How long things may take.
    public var timeouts = TimeoutSettings()
    /// How many there may be.
    public var limits = LimitSettings()
    /// What is logged, and how much of it is kept.
    public var logging = LoggingSettings()
    /// What a data plane does without its control process.
    public var orphan = OrphanSettings()
    /// How secrets lie in memory.
    public var memory = MemorySettings()
    /// How the manager looks at itself.
    public var verification = VerificationSettings()
    /// How the host is watched.
    public var discovery = DiscoverySettings()
    /// Whether new listeners are protected without being asked for.
    public var autoTunnel = AutoTunnelSettings()
    /// How often a sealed state is copied, and how many copies are kept.
    public var backup = BackupSettings()
    /// How traffic is judged.
    public var analysis = AnalysisSettings()
    /// What is done about findings.
    public var response = ResponseSettings()
    /// Who is told of findings and responses.
    public var notify = NotificationSettings()
    /// Whether the file holds `openai_api_key`. The key itself is lent once, while the file is read, to whoever stores
    /// it.
    public var openAIKeyPresent = false
    /// The tunnels that are made true at start and at reload. Their names differ.
    public var tunnels: [TunnelConfiguration] = []
    /// The connectors that the manager runs itself. Their places differ.
    public var connectors: [ConnectorConfiguration] = []

    /// The defaults.
    public init() {}

    /// What is in force when there is no file.
    public static let defaults = Self()

    /// How long the manager goes on serving without its launcher, in seconds: `orphan.limitSeconds`.
    public var orphanLimitSeconds: Double { orphan.limitSeconds }
}

/// `rotation`: how the endpoints of tunnels move, unless a tunnel says otherwise.
public struct RotationSettings: Hashable, Sendable {
    /// The length of an epoch.
    public var intervalSeconds = 10.0
    /// How long the endpoint before the live one still accepts. At most ten intervals.
    public var overlapSeconds = 2.0
    /// The ports that endpoints are drawn from.
    public var portRange: ClosedRange<UInt16> = 5_000...6_000
    /// Whether the loopback address hops too.
    public var addresses = AddressMode.hop
    /// How many decoys listen beside the live endpoint of a tunnel.
    public var decoys = 31

    /// The defaults.
    public init() {}
}

/// `certificates`: lifetimes.
public struct CertificateSettings: Hashable, Sendable {
    /// The lifetime of a leaf.
    public var leafLifetimeSeconds = 3_600.0
    /// A leaf is renewed while at least this much of its life is left.
    public var renewalMarginSeconds = 1_200.0
    /// The lifetime of an authority.
    public var authorityLifetimeSeconds = 2_592_000.0
    /// After this time a connection is closed, whatever it does. 0: never.
    public var maximumConnectionAgeSeconds = 0.0

    /// The defaults.
    public init() {}
}

/// `timeouts`: how long things may take.
public struct TimeoutSettings: Hashable, Sendable {
    /// For a connection to the target.
    public var connectSeconds = 5.0
    /// For a client's TLS handshake, from the first byte that is awaited to the last.
    public var handshakeSeconds = 10.0
    /// Without a byte in either direction. 0: never.
    public var idleSeconds = 0.0
    /// For open connections when the manager stops.
    public var drainSeconds = 10.0

    /// The defaults.
    public init() {}
}

/// `limits`: how many there may be.
public struct LimitSettings: Hashable, Sendable {
    /// Connections over all tunnels.
    public var maximumConnections = 8_192
    /// Connections of one tunnel, unless it says otherwise. At most ``maximumConnections``.
    public var maximumConnectionsPerTunnel = 4_096
    /// Tunnels, those of the file and those added at run time together.
    public var maximumTunnels = 256

    /// The defaults.
    public init() {}
}

/// `logging`: what is logged, and how much of it is kept.
public struct LoggingSettings: Hashable, Sendable {
    /// The least severity that is logged.
    public var level = Severity.info
    /// A log file that reaches this size is put aside.
    public var maximumFileBytes = 10_485_760
    /// How many files are kept beside the one that is written.
    public var keptFiles = 5
    /// The most that the log takes on disk, in bytes: the file that is written, and those that are kept.
    public var maximumBytes: UInt64 {
        UInt64(max(0, maximumFileBytes)) * UInt64(max(0, keptFiles) + 1)
    }

    /// The defaults.
    public init() {}
}

/// `orphan`: what the manager does without its launcher.
public struct OrphanSettings: Hashable, Sendable {
    /// How long it goes on serving.
    public var limitSeconds = 1_200.0

    /// The defaults.
    public init() {}
}

/// `memory`: how secrets lie in memory.
public struct MemorySettings: Hashable, Sendable {
    /// What to do on a host that does not give the best protection.
    public enum Protection: String, Hashable, Sendable, CaseIterable {
        /// Memory that the kernel can't read, or the manager does not start.
        case require
        /// That memory where the kernel gives it, otherwise locked memory.
        case prefer
    }

    /// Which of the two.
    public var protection = Protection.prefer

    /// The defaults.
    public init() {}
}

/// `verification`: how the manager's processes look at themselves.
public struct VerificationSettings: Hashable, Sendable {
    /// How often.
    public var intervalSeconds = 60.0

    /// The defaults.
    public init() {}
}

/// `discovery`: how the host is watched for applications and their connections.
public struct DiscoverySettings: Hashable, Sendable {
    /// Whether it is watched all the time. When it is not, it is looked at when somebody asks.
    public var enabled = true
    /// How often.
    public var intervalSeconds = 1.0

    /// The defaults.
    public init() {}
}

/// `autoTunnel`: whether new listeners are protected without being asked for, and which.
public struct AutoTunnelSettings: Hashable, Sendable {
    /// Whether it is on when the manager starts.
    public var enabled = false
    /// How long a tunnel stays after its application is gone.
    public var graceSeconds = 30.0
    /// The most tunnels that are made so.
    public var maximumTunnels = 64
    /// The most of them for one application of one user.
    public var maximumPerApplication = 8
    /// Which listeners get a tunnel; empty: all that are not denied.
    public var allow: [ListenerRule] = []
    /// Which get none. Goes before ``allow``.
    public var deny: [ListenerRule] = []
    /// Whether the built-in denials are in force too.
    public var useDefaultDeny = true

    /// The defaults.
    public init() {}
}

/// `backup`: copies of a sealed state, encrypted to the operator's backup key.
public struct BackupSettings: Hashable, Sendable {
    /// The least time between two that are made because something changed. One is made each day in any case.
    public var intervalSeconds = 3_600.0
    /// How many are kept at most.
    public var keepCount = 30
    /// After how many days they are taken away; the newest never is.
    public var keepDays = 90

    /// The defaults.
    public init() {}
}

/// `analysis`: how traffic is judged.
public struct AnalysisSettings: Hashable, Sendable {
    /// Whether it is on when the manager starts.
    public var enabled = true
    /// The model's name at the provider. `gpt-4` is an alias for the model that took its place.
    public var model = "gpt-4"
    /// How often a model is asked.
    public var intervalSeconds = 60.0
    /// The risk, as a fraction, from which a finding calls for a response.
    public var securityThreshold = 0.7
    /// The models that are asked, in their order; empty: see ``Configuration/modelEndpoints``.
    public var models: [ModelEndpoint] = []

    /// The defaults.
    public init() {}
}

/// `response`: what is done about findings.
public struct ResponseSettings: Hashable, Sendable {
    /// What acts by itself.
    public var mode = ResponseMode.guardian
    /// The least time between two steps upward against the same subject.
    public var climbSeconds = 60.0
    /// Whom no response cuts off, besides the manager itself, whoever runs it, and root.
    public var protected: [ProtectedRule] = []

    /// The defaults.
    public init() {}
}
