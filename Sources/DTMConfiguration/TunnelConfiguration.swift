public import DTMCore

/// One tunnel of `tunnels[]`, or one that was asked for at run time. What is nil comes from the sections of the file:
/// `Configuration.effective(_:)` fills it in.
public struct TunnelConfiguration: Hashable, Sendable {
    /// What people and scripts call it.
    public var name: TunnelName
    /// Where its bytes go.
    public var target: Target
    /// Policy rules, as `uid:1000`: who may connect. Nil: the application's owner and root.
    public var allow: [String]?
    /// The length of an epoch.
    public var intervalSeconds: Double?
    /// How long the endpoint before the live one still accepts. At most ten intervals.
    public var overlapSeconds: Double?
    /// The ports that its endpoints are drawn from.
    public var portRange: ClosedRange<UInt16>?
    /// Whether its loopback address hops.
    public var addresses: AddressMode?
    /// How many decoys listen beside its live endpoint.
    public var decoys: Int?
    /// Whether the target is told who connects, by a PROXY protocol v2 header.
    public var proxyProtocol = false
    /// The most connections at a time.
    public var maximumConnections: Int?
    /// Without a byte in either direction. 0: never.
    public var idleTimeoutSeconds: Double?
    /// After this time a connection is closed, whatever it does. 0: never.
    public var maximumConnectionAgeSeconds: Double?
    /// For a connection to the target.
    public var connectTimeoutSeconds: Double?

    /// A tunnel that takes everything else from the sections.
    public init(name: TunnelName, target: Target) {
        self.name = name
        self.target = target
    }
}

/// A tunnel with everything filled in, in the units of the plan. Durations are in milliseconds; 0 stands for "none"
/// where it says so.
public struct EffectiveTunnel: Hashable, Sendable {
    /// What people and scripts call it.
    public var name: TunnelName
    /// Where its bytes go.
    public var target: Target
    /// Policy rules. Nil: the application's owner and root.
    public var allow: [String]?
    /// The length of an epoch.
    public var intervalMilliseconds: UInt32
    /// At most ten intervals.
    public var overlapMilliseconds: UInt32
    /// The ports that its endpoints are drawn from.
    public var portRange: ClosedRange<UInt16>
    /// Whether its loopback address hops.
    public var addresses: AddressMode
    /// How many decoys listen beside its live endpoint.
    public var decoys: UInt16
    /// Whether the target is told who connects.
    public var proxyProtocol: Bool
    /// The most connections at a time.
    public var maximumConnections: UInt32
    /// For a client's TLS handshake.
    public var handshakeTimeoutMilliseconds: UInt32
    /// For a connection to the target.
    public var connectTimeoutMilliseconds: UInt32
    /// 0: none.
    public var idleTimeoutMilliseconds: UInt32
    /// 0: none.
    public var maximumAgeMilliseconds: UInt32
}

extension Configuration {
    /// The longest overlap, in intervals. It bounds the number of endpoints that accept at one time.
    public static let maximumOverlapIntervals = 10
    /// An authority lives at least as many times as long as its leaves: it is replaced in good time before its end, and the
    /// one before it is trusted until its last leaf is gone.
    public static let leavesPerAuthority = 4.0

    /// A tunnel with everything filled in.
    ///
    /// An overlap that the tunnel inherits is shortened to ten of its own intervals; one that it states is taken as it
    /// is, for `parse` and `validate` refuse a longer one.
    public func effective(_ tunnel: TunnelConfiguration) -> EffectiveTunnel {
        let interval = milliseconds(tunnel.intervalSeconds ?? rotation.intervalSeconds)
        let longest = UInt32(clamping: UInt64(interval) * UInt64(Self.maximumOverlapIntervals))
        let overlap = tunnel.overlapSeconds.map(milliseconds) ?? min(milliseconds(rotation.overlapSeconds), longest)
        let age = tunnel.maximumConnectionAgeSeconds ?? certificates.maximumConnectionAgeSeconds
        return EffectiveTunnel(
            name: tunnel.name, target: tunnel.target, allow: tunnel.allow,
            intervalMilliseconds: interval, overlapMilliseconds: overlap,
            portRange: tunnel.portRange ?? rotation.portRange, addresses: tunnel.addresses ?? rotation.addresses,
            decoys: UInt16(clamping: tunnel.decoys ?? rotation.decoys),
            proxyProtocol: tunnel.proxyProtocol,
            maximumConnections: UInt32(clamping: tunnel.maximumConnections ?? limits.maximumConnectionsPerTunnel),
            handshakeTimeoutMilliseconds: milliseconds(timeouts.handshakeSeconds),
            connectTimeoutMilliseconds: milliseconds(tunnel.connectTimeoutSeconds ?? timeouts.connectSeconds),
            idleTimeoutMilliseconds: milliseconds(tunnel.idleTimeoutSeconds ?? timeouts.idleSeconds),
            maximumAgeMilliseconds: milliseconds(age))
    }
}

/// Rounds to the nearest millisecond; what a `UInt32` can't hold becomes the nearest that it can.
func milliseconds(_ seconds: Double) -> UInt32 {
    let value = (seconds * 1_000).rounded()
    guard value > 0 else { return 0 }
    return value < Double(UInt32.max) ? UInt32(value) : .max
}
