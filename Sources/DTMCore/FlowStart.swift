/// Who made a socket of this host, as the kernel tells.
public struct SocketOwner: Hashable, Sendable {
    /// The user.
    public var uid: UInt32
    /// The socket's inode number.
    public var inode: UInt32

    public init(uid: UInt32, inode: UInt32) {
        self.uid = uid
        self.inode = inode
    }
}

/// One connection through a tunnel, from the moment at which its first byte may pass. A ``FlowRecord`` with the same number tells
/// of its end.
public struct FlowStart: Hashable, Sendable {
    public var tunnel: TunnelID
    /// Counts up within one data plane process.
    public var connection: UInt64
    /// The client's SPIFFE ID.
    public var identity: String
    /// When it was accepted.
    public var startedAt: Timestamp
    /// The client's end; nil when it was gone by then.
    public var peer: Endpoint?
    /// Our end.
    public var local: Endpoint
    /// Whose socket the client's end is; nil when it is not on this host, or the kernel does not tell.
    public var owner: SocketOwner?
    /// Our end of the connection to the target, by which it can be told from a direct one; nil when the target is a Unix
    /// socket.
    public var targetSide: Endpoint?

    public init(
        tunnel: TunnelID, connection: UInt64, identity: String, startedAt: Timestamp, peer: Endpoint?, local: Endpoint,
        owner: SocketOwner?, targetSide: Endpoint? = nil
    ) {
        self.tunnel = tunnel
        self.connection = connection
        self.identity = identity
        self.startedAt = startedAt
        self.peer = peer
        self.local = local
        self.owner = owner
        self.targetSide = targetSide
    }
}
