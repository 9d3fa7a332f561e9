public import DTMCore

/// What the data plane shall make true: the whole desired state except for secrets and certificates.
///
/// Control sends a whole plan whenever something changes. Applying the same plan twice changes nothing.
public struct Plan: Hashable, Sendable {
    /// Counts up within one control process.
    public var version: UInt64
    /// Random, as every name that TLS shows to anyone.
    public var trustDomain: String
    /// The authorities whose leaves are accepted, DER, the one that issues first. Two while the authority is being
    /// replaced.
    public var trustBundle: [[UInt8]]
    public var revokedSerials: [SerialNumber]
    /// SPIFFE IDs, whole.
    public var revokedIdentities: [String]
    /// SPIFFE IDs, whole, of those who may open one connection in ``throttledMilliseconds``.
    public var throttledIdentities: [String]
    /// The longest life of a leaf that is accepted, in seconds from its issue.
    public var maximumLeafLifetimeSeconds: UInt32
    /// The most connections over all tunnels.
    public var maximumConnections: UInt32
    /// How often the data plane looks whether its protections hold.
    public var verificationMilliseconds: UInt32
    public var tunnels: [TunnelPlan]

    /// The least time between two connections of a throttled identity.
    public static let throttledMilliseconds: Int64 = 1_000

    public init(
        version: UInt64, trustDomain: String, trustBundle: [[UInt8]], revokedSerials: [SerialNumber] = [],
        revokedIdentities: [String] = [], throttledIdentities: [String] = [],
        maximumLeafLifetimeSeconds: UInt32 = 3_600, maximumConnections: UInt32,
        verificationMilliseconds: UInt32 = 60_000, tunnels: [TunnelPlan]
    ) {
        self.version = version
        self.trustDomain = trustDomain
        self.trustBundle = trustBundle
        self.revokedSerials = revokedSerials
        self.revokedIdentities = revokedIdentities
        self.throttledIdentities = throttledIdentities
        self.maximumLeafLifetimeSeconds = maximumLeafLifetimeSeconds
        self.maximumConnections = maximumConnections
        self.verificationMilliseconds = verificationMilliseconds
        self.tunnels = tunnels
    }
}

/// One tunnel of a plan.
public struct TunnelPlan: Hashable, Sendable {
    public var id: TunnelID
    public var schedule: ScheduleParameters
    public var overlapMilliseconds: UInt32
    /// A forced rotation is a plan with a higher generation.
    public var generation: UInt32
    public var target: TargetPlan
    /// Whether the target is told who connects, by a PROXY protocol v2 header.
    public var proxyProtocol: Bool
    public var limits: TunnelLimits
    /// How many decoys listen beside the listeners of the rotation.
    public var decoys: UInt16

    public init(
        id: TunnelID, schedule: ScheduleParameters, overlapMilliseconds: UInt32, generation: UInt32, target: TargetPlan,
        proxyProtocol: Bool, limits: TunnelLimits, decoys: UInt16 = 0
    ) {
        self.id = id
        self.schedule = schedule
        self.overlapMilliseconds = overlapMilliseconds
        self.generation = generation
        self.target = target
        self.proxyProtocol = proxyProtocol
        self.limits = limits
        self.decoys = decoys
    }
}

/// Where a tunnel's bytes go, with names resolved already.
public enum TargetPlan: Hashable, Sendable {
    /// Tried in this order; 1 to 16.
    case tcp([Endpoint])
    case unix(path: String)
}

/// Limits of one tunnel. Durations are in milliseconds; 0 stands for "none" where it says so.
public struct TunnelLimits: Hashable, Sendable {
    public var maximumConnections: UInt32
    public var handshakeTimeoutMilliseconds: UInt32
    public var connectTimeoutMilliseconds: UInt32
    /// 0: none.
    public var idleTimeoutMilliseconds: UInt32
    /// 0: none.
    public var maximumAgeMilliseconds: UInt32

    public init(
        maximumConnections: UInt32, handshakeTimeoutMilliseconds: UInt32, connectTimeoutMilliseconds: UInt32,
        idleTimeoutMilliseconds: UInt32, maximumAgeMilliseconds: UInt32
    ) {
        self.maximumConnections = maximumConnections
        self.handshakeTimeoutMilliseconds = handshakeTimeoutMilliseconds
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
        self.maximumAgeMilliseconds = maximumAgeMilliseconds
    }
}
