/// One process as it was at one moment: what it is, what it uses, and which sockets it holds.
///
/// What the observer had no right to read is nil or empty, and named in ``gaps``.
public struct ApplicationObservation: Hashable, Sendable {
    public var pid: Int32
    /// When it started, in clock ticks since boot. With the pid it names a process for good: pids are used again.
    public var startTicks: UInt64
    /// When it started, on the manager's steady time.
    public var startedAt: Timestamp
    public var parent: Int32
    /// The kernel's short name (`comm`, at most 15 bytes), control characters replaced.
    public var name: String
    /// The stable name of the group of processes it belongs to.
    public var application: String
    /// The path of the executable; nil when the rights to read it are missing, or for a thread of the kernel.
    public var executable: String?
    /// The effective user.
    public var uid: UInt32
    /// The effective group.
    public var gid: UInt32
    /// The user's name; the number where it has none.
    public var user: String
    public var state: ProcessState
    /// Of one core, since the observation before; 0 the first time.
    public var cpuPercent: Double
    public var residentBytes: UInt64
    public var threads: Int
    /// The path in the unified hierarchy, or in systemd's where there is none; `/` when unknown.
    public var cgroup: String
    public var listeners: [ObservedListener]
    public var connections: [ObservedConnection]
    /// What could not be read for want of rights.
    public var gaps: Set<Gap>
    /// How many descriptors it has open; nil when the rights to see them are missing, or nobody counted.
    public var openDescriptors: Int?
    /// The command line with what looks like secrets left out; nil when nobody asked for it.
    public var redactedArguments: String?
    /// The systemd unit, as `nginx.service` or `session-3.scope`.
    public var unit: String?
    /// The container it runs in, as `docker:ID`.
    public var container: String?
    /// Whether it is in another network namespace than the observer: its sockets are then in no table that the observer
    /// sees. Nil when that can't be told.
    public var isInOtherNetwork: Bool?

    /// A part of an observation that takes rights to see.
    public enum Gap: String, Hashable, Sendable, CaseIterable {
        case executable, sockets, network
    }

    public init(
        pid: Int32, startTicks: UInt64, startedAt: Timestamp, parent: Int32, name: String, application: String,
        executable: String?, uid: UInt32, gid: UInt32, user: String, state: ProcessState, cpuPercent: Double = 0,
        residentBytes: UInt64, threads: Int, cgroup: String, listeners: [ObservedListener] = [],
        connections: [ObservedConnection] = [], gaps: Set<Gap> = []
    ) {
        self.pid = pid
        self.startTicks = startTicks
        self.startedAt = startedAt
        self.parent = parent
        self.name = name
        self.application = application
        self.executable = executable
        self.uid = uid
        self.gid = gid
        self.user = user
        self.state = state
        self.cpuPercent = cpuPercent
        self.residentBytes = residentBytes
        self.threads = threads
        self.cgroup = cgroup
        self.listeners = listeners
        self.connections = connections
        self.gaps = gaps
    }
}

/// What the scheduler says of a process (`proc_pid_stat(5)`, field 3).
public enum ProcessState: String, Hashable, Sendable, Codable, CaseIterable {
    case running, sleeping, waiting, stopped, traced, zombie, dead, idle, unknown
}

/// The kind of a socket, under the names that scripts see.
public enum SocketTransport: String, Hashable, Sendable, Codable, CaseIterable {
    case tcp, tcp6, udp, udp6, unix
}

/// A socket that waits for others: a listening TCP or Unix socket, or a UDP socket that is bound and not connected.
public struct ObservedListener: Hashable, Sendable {
    /// Where it waits.
    public enum Place: Hashable, Sendable {
        case ip(Endpoint)
        /// A path, or `@name` in the abstract namespace.
        case unix(path: String)
    }

    public var transport: SocketTransport
    public var place: Place
    /// The user who made the socket. Known even where the process is unreadable; nil for Unix sockets.
    public var uid: UInt32?
    /// The socket's inode number.
    public var inode: UInt64

    public init(transport: SocketTransport, place: Place, uid: UInt32?, inode: UInt64) {
        self.transport = transport
        self.place = place
        self.uid = uid
        self.inode = inode
    }

    /// The IP address, or the path, as the API shows it.
    public var address: String {
        switch place {
        case .ip(let endpoint): endpoint.address.description
        case .unix(let path): path
        }
    }

    /// 0 for a Unix socket.
    public var port: UInt16 {
        switch place {
        case .ip(let endpoint): endpoint.port
        case .unix: 0
        }
    }
}

/// A connected TCP or UDP socket of a process.
public struct ObservedConnection: Hashable, Sendable {
    public var transport: SocketTransport
    public var local: Endpoint
    public var remote: Endpoint
    /// The process at the other end, when it is on this host and readable.
    public var peerPID: Int32?
    public var state: SocketState
    /// Nil where the source does not count bytes.
    public var bytesIn: UInt64?
    public var bytesOut: UInt64?
    public var roundTripMicroseconds: UInt32?
    public var inode: UInt64

    public init(
        transport: SocketTransport, local: Endpoint, remote: Endpoint, peerPID: Int32? = nil, state: SocketState,
        bytesIn: UInt64? = nil, bytesOut: UInt64? = nil, roundTripMicroseconds: UInt32? = nil, inode: UInt64
    ) {
        self.transport = transport
        self.local = local
        self.remote = remote
        self.peerPID = peerPID
        self.state = state
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.roundTripMicroseconds = roundTripMicroseconds
        self.inode = inode
    }
}

/// The states of TCP under the kernel's numbers (`include/net/tcp_states.h`).
public enum SocketState: UInt8, Hashable, Sendable, CaseIterable {
    case established = 1
    case synSent, synReceived, finWait1, finWait2, timeWait, closed, closeWait, lastAck, listen, closing, newSynReceived

    /// The name in the API, as `ss(8)` writes it.
    public var name: String {
        switch self {
        case .established: "established"
        case .synSent: "syn-sent"
        case .synReceived, .newSynReceived: "syn-recv"
        case .finWait1: "fin-wait-1"
        case .finWait2: "fin-wait-2"
        case .timeWait: "time-wait"
        case .closed: "closed"
        case .closeWait: "close-wait"
        case .lastAck: "last-ack"
        case .listen: "listen"
        case .closing: "closing"
        }
    }
}
