/// What is in a manager's home.
public struct HomeFacts: Hashable, Sendable {
    /// The home and the folders in it that are there; absent when there is no home yet.
    public var folders: Reading<[PathFacts]>
    /// The folders above it, from the root on.
    public var parents: [PathFacts]
    /// The files that a manager trusts or writes.
    public var files: [PathFacts]
    public var sockets: Reading<[SocketFacts]>
    /// What `run/processes` says; absent without the file.
    public var processes: Reading<[ProcessEntry]>
    /// Where the log is, or would be.
    public var volume: Reading<VolumeFacts>

    public init(
        folders: Reading<[PathFacts]>, parents: [PathFacts] = [], files: [PathFacts] = [],
        sockets: Reading<[SocketFacts]>, processes: Reading<[ProcessEntry]>, volume: Reading<VolumeFacts>
    ) {
        self.folders = folders
        self.parents = parents
        self.files = files
        self.sockets = sockets
        self.processes = processes
        self.volume = volume
    }
}

/// Who may do what at a path.
public struct PathFacts: Hashable, Sendable {
    /// What sort of thing it is to a manager.
    public enum Kind: Hashable, Sendable {
        /// Nobody else should even look into it.
        case hidden
        /// Anybody may read it.
        case open
    }

    public var path: String
    public var kind: Kind
    public var owner: UInt32
    /// The permissions, without the type: `07777` of `st_mode`.
    public var permissions: UInt32

    public init(path: String, kind: Kind, owner: UInt32, permissions: UInt32) {
        self.path = path
        self.kind = kind
        self.owner = owner
        self.permissions = permissions
    }

    var isWritableByOthers: Bool { permissions & 0o022 != 0 }
    /// Others may write, and remove only what is theirs, as in `/tmp`.
    var isSticky: Bool { permissions & 0o1000 != 0 }
    var isOpenToOthers: Bool { permissions & 0o077 != 0 }
    /// As `0755`.
    var mode: String {
        let digits = String(permissions, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }
}

/// A Unix socket in `run/`.
public struct SocketFacts: Hashable, Sendable {
    public var path: String
    /// Whether somebody answers; `unknown` when it may not be tried.
    public var answers: Reading<Bool>

    public init(path: String, answers: Reading<Bool>) {
        self.path = path
        self.answers = answers
    }
}

/// A process that a launcher wrote down.
public struct ProcessEntry: Hashable, Sendable {
    /// `control` or `dataplane`.
    public var role: String
    public var pid: Int32
    /// It runs, and its start time is the one that was written down.
    public var isRunning: Bool
    /// Its parent is the launcher that holds the home.
    public var isSupervised: Bool

    public init(role: String, pid: Int32, isRunning: Bool, isSupervised: Bool) {
        self.role = role
        self.pid = pid
        self.isRunning = isRunning
        self.isSupervised = isSupervised
    }
}

/// A file system.
public struct VolumeFacts: Hashable, Sendable {
    /// An existing folder on it.
    public var path: String
    /// Left for this user.
    public var freeBytes: UInt64
    public var isReadOnly: Bool
    /// What the log takes already.
    public var logBytes: UInt64

    public init(path: String, freeBytes: UInt64, isReadOnly: Bool, logBytes: UInt64) {
        self.path = path
        self.freeBytes = freeBytes
        self.isReadOnly = isReadOnly
        self.logBytes = logBytes
    }
}
