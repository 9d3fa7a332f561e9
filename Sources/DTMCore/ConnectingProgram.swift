/// Who is behind one connection from this host, as the kernel tells: the user of the socket, and the processes that hold it.
///
/// What could not be told is nil, and no rule that asks for it is met.
public struct ConnectingProgram: Hashable, Sendable {
    /// The user who made the socket (`sock_diag(7)`). Known without any rights.
    public var uid: UInt32
    /// The name of ``uid``; nil when it has none.
    public var userName: String?
    /// The processes that hold the socket: one as a rule, more after a fork or when it was passed on.
    public var holders: [ProgramFacts]
    /// Whether ``holders`` are all there are. False when processes could not be looked into.
    public var isComplete: Bool

    /// More holders than these are not judged: the connection counts as one with unknown holders.
    public static let maximumHolders = 64

    public init(uid: UInt32, userName: String? = nil, holders: [ProgramFacts] = [], isComplete: Bool = true) {
        self.uid = uid
        self.userName = userName
        self.holders = holders
        self.isComplete = isComplete
    }

    /// True unless exactly one process is known to hold the socket, and no other can.
    public var isAmbiguous: Bool { holders.count != 1 || !isComplete }
}

/// One process that holds a connection. Each property is nil when it could not be read.
public struct ProgramFacts: Hashable, Sendable {
    public var pid: Int32?
    /// The effective user.
    public var uid: UInt32?
    /// The name of ``uid``; nil also when it has none.
    public var userName: String?
    /// The effective group.
    public var gid: UInt32?
    /// The groups besides ``gid``.
    public var supplementaryGroups: [UInt32]?
    /// The names of all groups, as far as they have one; nil when the groups are not known.
    public var groupNames: [String]?
    /// The path of the executable (`/proc/PID/exe`), symbolic links resolved. Nil also when its file was removed or
    /// exchanged since the process began: the path names another file then.
    public var executable: String?
    /// The content of the file that the process runs (of `/proc/PID/exe` itself, not of whatever is at its path now). Nil
    /// also when nobody asked for it.
    public var digest: SHA256Value?
    /// The path in the cgroup hierarchy.
    public var cgroup: String?
    /// The unit of the system's service manager: for a process of a user's own manager that is `user@UID.service`, whatever
    /// the user calls units. See ``SystemdUnit/ofSystem(cgroup:)``.
    public var unit: String?

    public init(
        pid: Int32? = nil, uid: UInt32? = nil, userName: String? = nil, gid: UInt32? = nil,
        supplementaryGroups: [UInt32]? = nil, groupNames: [String]? = nil, executable: String? = nil,
        digest: SHA256Value? = nil, cgroup: String? = nil, unit: String? = nil
    ) {
        self.pid = pid
        self.uid = uid
        self.userName = userName
        self.gid = gid
        self.supplementaryGroups = supplementaryGroups
        self.groupNames = groupNames
        self.executable = executable
        self.digest = digest
        self.cgroup = cgroup
        self.unit = unit
    }
}

/// Units by control group.
public enum SystemdUnit {
    /// The unit of the system's service manager that a control group belongs to: the first part of its path below the
    /// slices (`systemd.slice(5)`). Nil when there is none.
    ///
    /// The first and not the last: what lies below a unit is the unit's own to name, so that a user could call a unit of his
    /// as the system calls one of its own.
    public static func ofSystem(cgroup: String) -> String? {
        guard let path = AbsolutePath(cgroup) else { return nil }
        let parts = path.text.split(separator: "/").drop { $0.hasSuffix(".slice") }
        let endings = [".service", ".scope", ".socket", ".mount", ".swap"]
        return parts.first.map(String.init).flatMap { part in endings.contains(where: part.hasSuffix) ? part : nil }
    }
}
