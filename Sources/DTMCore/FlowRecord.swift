/// One connection through a tunnel, from its acceptance to its end.
public struct FlowRecord: Hashable, Sendable {
    public var tunnel: TunnelID
    /// Counts up within one data plane process.
    public var connection: UInt64
    /// The client's SPIFFE ID.
    public var identity: String
    public var startedAt: Timestamp
    public var endedAt: Timestamp
    /// Application bytes from the client to the target.
    public var bytesIn: UInt64
    /// Application bytes from the target to the client.
    public var bytesOut: UInt64
    public var ending: Ending
    /// Whose socket the client's end was: see ``FlowStart/owner``.
    public var owner: SocketOwner?

    public init(
        tunnel: TunnelID, connection: UInt64, identity: String, startedAt: Timestamp, endedAt: Timestamp,
        bytesIn: UInt64, bytesOut: UInt64, ending: Ending, owner: SocketOwner? = nil
    ) {
        self.tunnel = tunnel
        self.connection = connection
        self.identity = identity
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.ending = ending
        self.owner = owner
    }

    /// Why a connection ended.
    public enum Ending: UInt8, Sendable, CaseIterable {
        /// Both sides said they were done.
        case finished = 1
        /// The client's side broke off: a reset, or the end of the transport without TLS `close_notify`.
        case clientBroke = 2
        /// The target's side broke off.
        case targetBroke = 3
        case idleTimeout = 4
        case maximumAge = 5
        /// The identity or the certificate was revoked.
        case revoked = 6
        /// The tunnel was removed.
        case tunnelRemoved = 7
        /// The manager shut down and its drain had run out.
        case shutdown = 8

        /// The name in events and logs.
        public var name: String {
            switch self {
            case .finished: "finished"
            case .clientBroke: "client_broke"
            case .targetBroke: "target_broke"
            case .idleTimeout: "idle_timeout"
            case .maximumAge: "maximum_age"
            case .revoked: "revoked"
            case .tunnelRemoved: "tunnel_removed"
            case .shutdown: "shutdown"
            }
        }
    }
}
