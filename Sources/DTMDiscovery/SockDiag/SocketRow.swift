public import DTMCore

/// One IP socket, as the kernel's tables show it.
public struct SocketRow: Hashable, Sendable {
    public var transport: SocketTransport
    public var state: SocketState
    public var local: Endpoint
    public var remote: Endpoint
    /// Who made the socket.
    public var uid: UInt32
    /// 0 when no process holds it, or not yet.
    public var inode: UInt64
    /// Names the socket for good, where the source tells it: inodes are used again, cookies are not.
    public var cookie: UInt64?
    /// The control group in which it was made: the inode of its folder in the unified hierarchy.
    public var controlGroup: UInt64?
    public var counters: TCPCounters?

    public init(
        transport: SocketTransport, state: SocketState, local: Endpoint, remote: Endpoint, uid: UInt32, inode: UInt64,
        cookie: UInt64? = nil, controlGroup: UInt64? = nil, counters: TCPCounters? = nil
    ) {
        self.transport = transport
        self.state = state
        self.local = local
        self.remote = remote
        self.uid = uid
        self.inode = inode
        self.cookie = cookie
        self.controlGroup = controlGroup
        self.counters = counters
    }

    /// Whether it waits for others: TCP that listens, UDP that is bound and has no peer.
    public var isListener: Bool {
        switch transport {
        case .tcp, .tcp6: state == .listen
        case .udp, .udp6: state == .closed && remote.port == 0 && local.port != 0
        case .unix: false
        }
    }

    /// Whether it has a peer and a process that holds it.
    public var isConnection: Bool { inode != 0 && remote.port != 0 && state != .listen }

    var listener: ObservedListener {
        ObservedListener(transport: transport, place: .ip(local), uid: uid, inode: inode)
    }

    var ends: SocketEnds { SocketEnds(local: local, remote: remote, isTCP: transport == .tcp || transport == .tcp6) }
}

/// What the kernel counts of one TCP connection (`struct tcp_info`, `tcp(7)`).
public struct TCPCounters: Hashable, Sendable {
    /// Sent, and acknowledged by the peer.
    public var bytesAcknowledged: UInt64
    public var bytesReceived: UInt64
    /// Smoothed.
    public var roundTripMicroseconds: UInt32
    /// Segments sent again since the connection began.
    public var retransmissions: UInt32

    public init(
        bytesAcknowledged: UInt64, bytesReceived: UInt64, roundTripMicroseconds: UInt32, retransmissions: UInt32
    ) {
        self.bytesAcknowledged = bytesAcknowledged
        self.bytesReceived = bytesReceived
        self.roundTripMicroseconds = roundTripMicroseconds
        self.retransmissions = retransmissions
    }
}

/// The two ends of a connection, so that each end can be found from the other: an IPv6 socket may talk IPv4.
struct SocketEnds: Hashable {
    var local: Endpoint
    var remote: Endpoint
    var isTCP: Bool

    init(local: Endpoint, remote: Endpoint, isTCP: Bool) {
        self.local = local.unmapped
        self.remote = remote.unmapped
        self.isTCP = isTCP
    }

    var reversed: Self { Self(local: remote, remote: local, isTCP: isTCP) }
}

/// A Unix socket that listens.
public struct UnixListenerRow: Hashable, Sendable {
    public var inode: UInt64
    /// Who made it; nil where the source does not tell.
    public var uid: UInt32?
    /// A path, or `@name` in the abstract namespace. Printable.
    public var path: String

    public init(inode: UInt64, uid: UInt32? = nil, path: String) {
        self.inode = inode
        self.uid = uid
        self.path = path
    }

    var listener: ObservedListener {
        ObservedListener(transport: .unix, place: .unix(path: path), uid: uid, inode: inode)
    }
}

/// What a source of sockets can't tell.
public enum SocketLoss: String, Hashable, Sendable, CaseIterable {
    /// No byte counts of TCP connections.
    case byteCounts
    case roundTripTimes
    case retransmissions
    /// Not in which control group a socket was made.
    case controlGroups
    /// Not who made a Unix socket.
    case unixOwners
    /// Connections can't be looked up one by one: each question reads a whole table.
    case exactLookups
    /// The tables changed under every attempt to read them: rows may be missing or twice there.
    case consistency
    /// There were more sockets than are kept.
    case truncated
    /// A table could not be read at all.
    case tables

    /// What /proc/net does not tell, and sock_diag does.
    public static let ofTables: Set<Self> = [
        .byteCounts, .roundTripTimes, .retransmissions, .controlGroups, .unixOwners, .exactLookups,
    ]
}
