public import DTMCore
public import DTMSecrets

/// Who in the data plane holds a leaf key.
public enum CredentialSubject: Hashable, Sendable {
    /// The listeners of a tunnel.
    case listener(TunnelID)
    /// The data plane's own client, which shakes hands with a new endpoint of a tunnel before it is published.
    case probe(TunnelID)
}

/// From control to the data plane.
public enum ControlMessage: Sendable {
    /// First on every link.
    case hello(ControlHello)
    case plan(Plan)
    /// The key of one schedule window of a tunnel. On the wire the 32 bytes are raw and are read straight into locked
    /// memory.
    case windowKey(tunnel: TunnelID, window: UInt64, key: SharedSecret)
    /// The answer to a certificate signing request: DER, the leaf first, without the authority.
    case credential(CredentialSubject, chain: [[UInt8]])
    /// Ask for a fresh leaf now, ahead of its time. The old one serves until the new one has come.
    case renew(CredentialSubject)
    /// Accept nothing more; end when the last connection has, or after the time given.
    case drain(milliseconds: UInt32)
}

/// How control introduces itself.
public struct ControlHello: Hashable, Sendable {
    public var protocolVersion: UInt16
    public var anchor: ClockAnchor

    public init(protocolVersion: UInt16, anchor: ClockAnchor) {
        self.protocolVersion = protocolVersion
        self.anchor = anchor
    }
}

/// From the data plane to control.
public enum DataPlaneMessage: Hashable, Sendable {
    /// First on every link.
    case hello(DataPlaneHello)
    case planApplied(version: UInt64)
    /// PKCS#10, DER. The key stays in the data plane.
    case certificateRequest(CredentialSubject, der: [UInt8])
    case windowKeyWanted(tunnel: TunnelID, window: UInt64)
    case rotated(RotationReport)
    case rotationFailed(RotationFailure)
    /// The roles of a tunnel's listeners, after every change of one.
    case listeners(tunnel: TunnelID, [ListenerReport])
    case flowBegan(FlowStart)
    case flow(FlowRecord)
    case incident(Incident)
    /// Once a second, for every tunnel that had traffic or changes since the last.
    case counters(tunnel: TunnelID, TunnelCounters)
    /// What of the process's protections does not hold, each as a sentence: after every look at them, empty when all is
    /// well.
    case verified([String])
    case drained
}

/// How the data plane introduces itself.
public struct DataPlaneHello: Hashable, Sendable {
    public var protocolVersion: UInt16
    public var pid: Int32
    public var memory: MemoryReport

    public init(protocolVersion: UInt16, pid: Int32, memory: MemoryReport) {
        self.protocolVersion = protocolVersion
        self.pid = pid
        self.memory = memory
    }
}

/// How a process's secrets are protected in its memory.
public struct MemoryReport: Hashable, Sendable {
    /// Nil when the process got no protected memory at all: it can hold no secret.
    public var backing: MemoryProtection.Backing?
    /// Why it is not the best kind, an errno; 0 when it is.
    public var refusalCode: Int32

    public init(backing: MemoryProtection.Backing?, refusalCode: Int32 = 0) {
        self.backing = backing
        self.refusalCode = refusalCode
    }

    public init(_ status: MemoryProtection.Status) {
        self.init(backing: status.backing, refusalCode: status.refusalCode)
    }

    /// Why it is not the best kind, in words; nil when it is.
    public var refusal: String? { backing.flatMap { MemoryProtection.refusal($0, refusalCode) } }

    /// What whoever runs the process should know; nil when all is as good as it can be.
    public var warning: String? { backing.flatMap { MemoryProtection.warning($0, refusalCode) } }

    /// `secret`, `locked` or `none`.
    public var name: String { backing?.rawValue ?? "none" }
}

/// One completed rotation.
public struct RotationReport: Hashable, Sendable {
    public var tunnel: TunnelID
    public var turn: ScheduleTurn
    public var endpoint: Endpoint
    /// How many candidates of the schedule were passed over because they were busy.
    public var candidate: UInt32
    /// The endpoint that was live before; nil for the first.
    public var previous: Endpoint?
    /// When the next rotation is due by the schedule, steady time.
    public var nextAt: Timestamp
    /// From the decision to the new endpoint accepting, in microseconds.
    public var switchMicroseconds: UInt32
    /// The self-handshake's part of preparing it, in microseconds.
    public var handshakeMicroseconds: UInt32

    public init(
        tunnel: TunnelID, turn: ScheduleTurn, endpoint: Endpoint, candidate: UInt32, previous: Endpoint?,
        nextAt: Timestamp,
        switchMicroseconds: UInt32, handshakeMicroseconds: UInt32
    ) {
        self.tunnel = tunnel
        self.turn = turn
        self.endpoint = endpoint
        self.candidate = candidate
        self.previous = previous
        self.nextAt = nextAt
        self.switchMicroseconds = switchMicroseconds
        self.handshakeMicroseconds = handshakeMicroseconds
    }
}

/// A rotation that did not happen; the old endpoint stays live.
public struct RotationFailure: Hashable, Sendable {
    public var tunnel: TunnelID
    public var turn: ScheduleTurn
    /// Which step: `key`, `bind`, `credential`, `handshake`.
    public var step: String
    public var reason: String

    public init(tunnel: TunnelID, turn: ScheduleTurn, step: String, reason: String) {
        self.tunnel = tunnel
        self.turn = turn
        self.step = step
        self.reason = reason
    }
}

/// One listener of a tunnel, in its role.
public struct ListenerReport: Hashable, Sendable {
    public var endpoint: Endpoint
    public var role: ListenerRole

    public init(endpoint: Endpoint, role: ListenerRole) {
        self.endpoint = endpoint
        self.role = role
    }
}
