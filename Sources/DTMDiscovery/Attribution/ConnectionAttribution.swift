/// Who is behind one connection on this host, as far as that can be told.
///
/// Unknown is never somebody: what is not certain is nil or empty, and named in ``missing``.
public struct ConnectionAttribution: Hashable, Sendable {
    /// A process that holds the socket.
    public struct Holder: Hashable, Sendable {
        public var process: ProcessIdentity
        /// The process's effective user, who need not be the one who made the socket.
        public var uid: UInt32
        public var gid: UInt32
        /// Nil where the rights to read it are missing.
        public var executable: String?
        /// The stable name of the group of processes it belongs to.
        public var application: String

        public init(
            process: ProcessIdentity, uid: UInt32, gid: UInt32, executable: String?, application: String
        ) {
            self.process = process
            self.uid = uid
            self.gid = gid
            self.executable = executable
            self.application = application
        }
    }

    /// What could not be told.
    public enum Missing: String, Hashable, Sendable, CaseIterable {
        /// There is no such connection on this host, or no more.
        case connection
        /// The kernel could not be asked.
        case kernel
        /// No process holds the socket any more, or not yet: its user is not to be trusted.
        case owner
        /// No process that can be read holds the socket.
        case holders
        /// The socket changed hands while its holders were looked for.
        case stability
        /// Some processes were not looked at, or can't be: there may be further holders.
        case otherHolders
        case executable
        case controlGroup
    }

    /// Who made the socket.
    public var uid: UInt32?
    public var inode: UInt64?
    /// Names the socket for good; inodes are used again.
    public var cookie: UInt64?
    /// The control group in which the socket was made: the inode of its folder.
    public var controlGroup: UInt64?
    /// The path of that group in the unified hierarchy.
    public var controlGroupPath: String?
    /// The systemd unit in that path.
    public var unit: String?
    /// All processes that are known to hold the socket, the earliest first.
    public var holders: [Holder] = []
    public var missing: Set<Missing> = []

    public init() {}

    /// Whether several processes hold the socket, by fork or by SCM_RIGHTS: which of them uses it can't be told.
    public var isAmbiguous: Bool { holders.count > 1 }

    /// The one process behind the connection; nil when there is none that is certain, or several. Without
    /// ``AttributionSearch/everywhere`` a further holder that hides is not ruled out: see ``Missing/otherHolders``.
    public var holder: Holder? { holders.count == 1 ? holders.first : nil }

    static func unknown(_ missing: Missing...) -> Self {
        var attribution = Self()
        attribution.missing = Set(missing)
        return attribution
    }
}

/// How far holders are looked for.
public enum AttributionSearch: Hashable, Sendable {
    /// Only the user and the control group: microseconds.
    case none
    /// Known holders, and otherwise the likeliest processes.
    case likely
    /// Every process: exact about further holders, and as dear as a full look.
    case everywhere
}
