/// What the live inventory may keep and do. Whatever is left out because of a maximum is marked in the picture.
public struct InventoryLimits: Hashable, Sendable {
    /// The most processes that are kept. The kernel's own maximum is 4,194,304 (`proc_sys_kernel(5)`, pid_max).
    public var processes = 1 << 15
    /// The most sockets of each kind that are kept.
    public var sockets = 1 << 17
    /// The most pairs of a socket and a process that are kept.
    public var holders = 1 << 18
    /// The most peers of one listener that are told apart.
    public var peers = 256
    /// The most places that are remembered after nobody listens there any more.
    public var departedPlaces = 4_096

    /// How often ``LiveInventory/tick()`` is called, in nanoseconds: what the costs below are shares of.
    public var interval: Int64 = 1_000_000_000
    /// The share of a core that lists of connections may take; when one costs more, it is made less often.
    public var connectionShare = 0.003
    /// The most ticks between two lists of connections.
    public var connectionTicks: UInt64 = 30
    /// The most processes whose descriptors are searched for new sockets in one tick, the likeliest first; the search goes on in the
    /// next. A socket that is closed meanwhile, as listeners that move are, then costs no more.
    public var searchesPerTick = 256
    /// The share of a core that searches for the holders of single connections may take, for all users together:
    /// ``LiveInventory/attribute(local:remote:search:)``.
    public var searchShare = 0.2
    /// The same for the connections of one user.
    public var userSearchShare = 0.1
    /// For how many nanoseconds what is not used of these shares is saved: enough for 100 new programs of a user that connect at
    /// once, 3 ms each, or for a search of 10,000 processes.
    public var searchSavings: Int64 = 5_000_000_000
    /// Processes with sockets whose use of the machine is read in one tick.
    public var talkersPerTick = 48
    /// Other processes whose use of the machine is read in one tick.
    public var othersPerTick = 16
    /// In how many ticks all processes are looked at anew, descriptors and all; more where ``rotationPerTick`` says so.
    public var rotationTicks = 120
    /// The most processes that are looked at anew in one tick.
    public var rotationPerTick = 10
    /// The most processes that are read again in one tick because the kernel said that they changed.
    public var changesPerTick = 64
    /// How many holders of listeners are checked in one tick.
    public var checksPerTick = 64

    public init() {}
}
