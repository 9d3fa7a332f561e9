public import DTMCore

/// A process for good: PIDs are used again, pairs of a PID and a start are not.
public struct ProcessIdentity: Hashable, Sendable {
    public var pid: Int32
    /// In clock ticks since boot (`proc_pid_stat(5)`, field 22).
    public var startTicks: UInt64

    public init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }
}

/// Who holds a listener: of several processes that do, the earliest.
public struct ListenerOwner: Hashable, Sendable {
    public var process: ProcessIdentity
    public var uid: UInt32
    /// Nil where the rights to read it are missing.
    public var executable: String?
    /// The stable name of the group of processes it belongs to.
    public var application: String

    public init(process: ProcessIdentity, uid: UInt32, executable: String?, application: String) {
        self.process = process
        self.uid = uid
        self.executable = executable
        self.application = application
    }

    /// In what one holder differs from the one before.
    public enum Difference: String, Hashable, Sendable, CaseIterable {
        /// The same program of the same user, started anew or handed over.
        case process
        case user
        case executable
    }

    /// What changed from `former` to this one; empty: it is the same.
    ///
    /// An executable that can't be read is not known to be another one; the application's name then stands in for it.
    public func differences(from former: Self) -> Set<Difference> {
        var differences: Set<Difference> = []
        if process != former.process { differences.insert(.process) }
        if uid != former.uid { differences.insert(.user) }
        let isOther =
            if let executable, let other = former.executable { executable != other } else {
                application != former.application
            }
        if isOther { differences.insert(.executable) }
        return differences
    }
}

/// Who connects to a listener, as far as it matters for telling new peers from known ones.
public enum ListenerPeer: Hashable, Sendable {
    /// An application of a user on this host.
    case application(String, uid: UInt32)
    /// Somebody on this host whose process can't be seen: the user who made the socket.
    case user(UInt32)
    /// Another host.
    case host(IPAddress)
}

/// What changed between two looks.
public enum InventoryEvent: Hashable, Sendable {
    /// The first process of an application runs.
    case appeared(application: String, process: ProcessIdentity)
    /// The last process of an application ended.
    case gone(application: String)
    /// Nobody listened there. Whoever made the socket is in `listener.uid`; the owner is nil where no process that can be read
    /// holds it.
    case startedListening(ObservedListener, owner: ListenerOwner?)
    /// The owner of a listener became known later than the listener.
    case identified(ObservedListener, owner: ListenerOwner)
    /// Nobody listens there any more.
    case stoppedListening(ObservedListener, owner: ListenerOwner?)
    /// Somebody connected who had not before. `process` is nil where it can't be told.
    case newPeer(ObservedListener, peer: ListenerPeer, process: ProcessIdentity?)
    /// Somebody else holds the same place: at once, or after nobody had for a while.
    case takenOver(ObservedListener, from: ListenerOwner, to: ListenerOwner, Set<ListenerOwner.Difference>)
}
