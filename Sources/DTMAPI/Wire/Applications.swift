/// `GET /v1/apps`, `dtm apps --json`: the applications that the caller may see, and what is missing from the picture.
///
/// Calls that come within 250 ms after a look at the host share the next one: many consoles cost no more than one, and no
/// answer is older than its question.
public struct AppList: Codable, Hashable, Sendable {
    /// A listener that no process which can be read holds.
    public struct Unattributed: Codable, Hashable, Sendable {
        /// `tcp`, `tcp6`, `udp`, `udp6` or `unix`.
        public var `protocol`: String
        public var address: String
        public var port: UInt16
        /// Who made the socket; nil where the kernel does not say, as for Unix sockets.
        public var uid: UInt32?
        public var user: String?
        /// The name of the tunnel in front of it.
        public var tunnel: String?
        /// `isolated`, `fenced`, `fronted` or `none`.
        public var tier: String

        public init(
            protocol: String, address: String, port: UInt16, uid: UInt32?, user: String?, tunnel: String? = nil,
            tier: String = "none"
        ) {
            self.protocol = `protocol`
            self.address = address
            self.port = port
            self.uid = uid
            self.user = user
            self.tunnel = tunnel
            self.tier = tier
        }
    }

    public var schemaVersion = apiSchemaVersion
    public var apps: [AppReport]
    public var unattributed: [Unattributed] = []
    /// Whether these are all processes of the host with all that there is to know. False as well for callers who are shown
    /// their own alone.
    public var complete: Bool
    /// Whether the caller is shown his own processes alone: he may not steer.
    public var ownOnly = false
    /// The capabilities (`capabilities(7)`) with which the manager would see what is missing; the rows name it in `gaps`.
    public var missingCapabilities: [String]
    /// What the kernel did not tell about sockets, as `byteCounts`.
    public var losses: [String] = []
    /// Whether something was left out because of a maximum.
    public var truncated = false

    public init(apps: [AppReport], complete: Bool = true, missingCapabilities: [String] = []) {
        self.apps = apps
        self.complete = complete
        self.missingCapabilities = missingCapabilities
    }
}

/// One process.
public struct AppReport: Codable, Hashable, Sendable {
    /// One socket that the process listens on.
    public struct Listener: Codable, Hashable, Sendable {
        /// `tcp`, `tcp6`, `udp`, `udp6` or `unix`.
        public var `protocol`: String
        public var address: String
        public var port: UInt16
        /// The name of the tunnel in front of it.
        public var tunnel: String?
        /// `isolated`, `fenced`, `fronted` or `none`.
        public var tier: String
        public init(protocol: String, address: String, port: UInt16, tunnel: String? = nil, tier: String = "none") {
            self.protocol = `protocol`
            self.address = address
            self.port = port
            self.tunnel = tunnel
            self.tier = tier
        }
    }
    /// One connection of the process.
    public struct Connection: Codable, Hashable, Sendable {
        public var local: String
        public var remote: String
        public var peerPid: Int32?
        public var state: String
        public var bytesIn: UInt64?
        public var bytesOut: UInt64?
        public var rttMicros: UInt32?
        public init(
            local: String, remote: String, peerPid: Int32?, state: String, bytesIn: UInt64?, bytesOut: UInt64?,
            rttMicros: UInt32?
        ) {
            self.local = local
            self.remote = remote
            self.peerPid = peerPid
            self.state = state
            self.bytesIn = bytesIn
            self.bytesOut = bytesOut
            self.rttMicros = rttMicros
        }
    }

    /// What goes over its connections.
    public struct Rate: Codable, Hashable, Sendable {
        public var bytesInPerSecond: Double
        public var bytesOutPerSecond: Double

        public init(bytesInPerSecond: Double, bytesOutPerSecond: Double) {
            self.bytesInPerSecond = bytesInPerSecond
            self.bytesOutPerSecond = bytesOutPerSecond
        }
    }

    public var pid: Int32
    /// The stable name of the group of processes it belongs to.
    public var application: String
    public var name: String
    /// Nil when the rights to read it are missing.
    public var executable: String?
    public var uid: UInt32
    public var user: String
    public var state: String
    public var cpuPercent: Double
    public var residentBytes: UInt64
    public var threads: Int
    /// RFC 3339.
    public var startedAt: String
    public var cgroup: String
    public var listeners: [Listener]
    public var connections: [Connection]
    /// The name of the tunnel in front of it.
    public var tunnel: String?
    /// `isolated`, `fenced`, `fronted` or `none`.
    public var tier: String
    /// What the manager has no right to read of it: `executable`, `network`, `sockets`.
    public var gaps: [String]
    /// The systemd unit, as `nginx.service`.
    public var unit: String?
    /// The container that it runs in, as `docker:ID`.
    public var container: String?
    /// The command line, with what looks like a secret left out.
    public var arguments: String?
    /// How many descriptors it has open; nil when the rights to count them are missing.
    public var descriptors: Int?
    /// The PID of its parent; nil for the first process of all.
    public var parent: Int32?
    /// Bytes over its connections a second since the look before; nil where that is not known, as in `dtm apps`.
    public var rate: Rate?
    /// How many connections stand in no row of `connections`, because there are too many; nil when none is left out.
    public var omittedConnections: Int?
    /// Whether it is in another network namespace than the manager, whose sockets are not listed; nil when that can't be
    /// told.
    public var otherNetwork: Bool?

    public init(
        pid: Int32, application: String, name: String, executable: String?, uid: UInt32, user: String, state: String,
        cpuPercent: Double, residentBytes: UInt64, threads: Int, startedAt: String, cgroup: String,
        listeners: [Listener],
        connections: [Connection], tunnel: String?, tier: String, gaps: [String] = []
    ) {
        self.pid = pid
        self.application = application
        self.name = name
        self.executable = executable
        self.uid = uid
        self.user = user
        self.state = state
        self.cpuPercent = cpuPercent
        self.residentBytes = residentBytes
        self.threads = threads
        self.startedAt = startedAt
        self.cgroup = cgroup
        self.listeners = listeners
        self.connections = connections
        self.tunnel = tunnel
        self.tier = tier
        self.gaps = gaps
    }
}
