/// What was found when something was looked at.
public enum Reading<Value: Sendable & Hashable>: Sendable, Hashable {
    case known(Value)
    /// This host does not have it.
    case absent
    /// It is kept from us, or makes no sense; the text says which.
    case unknown(String)
}

/// Everything that the checks decide on. A plain value: ``HostFactsReader`` fills it from a host, a test from its head.
public struct HostFacts: Hashable, Sendable {
    public var settings: DoctorSettings
    public var process: ProcessFacts
    public var kernel: KernelFacts
    public var memory: MemoryFacts
    public var network: NetworkFacts
    public var home: HomeFacts

    /// Facts, each part on its own.
    public init(
        settings: DoctorSettings, process: ProcessFacts, kernel: KernelFacts, memory: MemoryFacts,
        network: NetworkFacts, home: HomeFacts
    ) {
        self.settings = settings
        self.process = process
        self.kernel = kernel
        self.memory = memory
        self.network = network
        self.home = home
    }
}

/// The process that is, or would be, the manager: its rights and limits are what counts.
public struct ProcessFacts: Hashable, Sendable {
    /// The effective user.
    public var uid: UInt32
    public var capabilities: Reading<Capabilities>
    /// `RLIMIT_MEMLOCK` in bytes; nil without a limit.
    public var lockedBytesLimit: UInt64?
    /// The hard limit of `RLIMIT_NOFILE`, to which a manager raises its own; nil without a limit.
    public var descriptorLimit: UInt64?

    public init(uid: UInt32, capabilities: Reading<Capabilities>, lockedBytesLimit: UInt64?, descriptorLimit: UInt64?) {
        self.uid = uid
        self.capabilities = capabilities
        self.lockedBytesLimit = lockedBytesLimit
        self.descriptorLimit = descriptorLimit
    }
}

/// A set of capabilities (`capabilities(7)`), as `CapEff` in `/proc/PID/status` has it.
public struct Capabilities: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    static let readSearch = Self(rawValue: 1 << 2)
    static let netAdmin = Self(rawValue: 1 << 12)
    static let ipcLock = Self(rawValue: 1 << 14)
    static let sysPtrace = Self(rawValue: 1 << 19)

    /// Those of this set that the checks know by name.
    var names: [String] {
        let known: [(Self, String)] = [
            (.readSearch, "CAP_DAC_READ_SEARCH"), (.netAdmin, "CAP_NET_ADMIN"), (.ipcLock, "CAP_IPC_LOCK"),
            (.sysPtrace, "CAP_SYS_PTRACE"),
        ]
        return known.filter { contains($0.0) }.map(\.1)
    }
}

/// What came of trying something: it worked, or the kernel's reason.
public enum Attempt: Hashable, Sendable {
    case worked
    /// An error number, `errno(3)`.
    case refused(Int32)
}

/// What the kernel is and allows.
public struct KernelFacts: Hashable, Sendable {
    public var release: Reading<String>
    /// Looking sockets up by netlink (`sock_diag(7)`).
    public var socketLookUp: Attempt
    /// The options of the file system that is mounted at `/proc`.
    public var procOptions: Reading<[String]>
    /// Making a user namespace with a network namespace in it.
    public var userNamespace: Attempt
    /// The settings that forbid user namespaces, and what they are set to: `user.max_user_namespaces` and so on.
    public var namespaceSettings: [String: Int64]
    /// The version of Landlock's ABI; absent without Landlock.
    public var landlockABI: Reading<Int>
    public var clock: Reading<ClockFacts>

    public init(
        release: Reading<String>, socketLookUp: Attempt, procOptions: Reading<[String]>, userNamespace: Attempt,
        namespaceSettings: [String: Int64], landlockABI: Reading<Int>, clock: Reading<ClockFacts>
    ) {
        self.release = release
        self.socketLookUp = socketLookUp
        self.procOptions = procOptions
        self.userNamespace = userNamespace
        self.namespaceSettings = namespaceSettings
        self.landlockABI = landlockABI
        self.clock = clock
    }
}

/// The system's clock, as the kernel sees it (`adjtimex(2)`).
public struct ClockFacts: Hashable, Sendable {
    /// Whether something keeps it in time.
    public var isSynchronised: Bool
    /// In microseconds.
    public var maximumError: Int64

    public init(isSynchronised: Bool, maximumError: Int64) {
        self.isSynchronised = isSynchronised
        self.maximumError = maximumError
    }
}

/// Where memory may go besides this process.
public struct MemoryFacts: Hashable, Sendable {
    public var pageBytes: UInt64
    /// `memfd_secret(2)`.
    public var secretMemory: Attempt
    /// `kernel.yama.ptrace_scope`; absent without Yama.
    public var ptraceScope: Reading<Int64>
    /// `kernel.core_pattern`.
    public var corePattern: Reading<String>
    public var swaps: Reading<[SwapFacts]>

    public init(
        pageBytes: UInt64, secretMemory: Attempt, ptraceScope: Reading<Int64>, corePattern: Reading<String>,
        swaps: Reading<[SwapFacts]>
    ) {
        self.pageBytes = pageBytes
        self.secretMemory = secretMemory
        self.ptraceScope = ptraceScope
        self.corePattern = corePattern
        self.swaps = swaps
    }
}

/// A place that memory is swapped to.
public struct SwapFacts: Hashable, Sendable {
    public var path: String
    /// It is encrypted (dm-crypt), or in memory itself (zram).
    public var isProtected: Bool

    public init(path: String, isProtected: Bool) {
        self.path = path
        self.isProtected = isProtected
    }
}

/// The ports of this host.
public struct NetworkFacts: Hashable, Sendable {
    public var listeners: Reading<[PortHolder]>
    /// `net.ipv4.ip_local_port_range`: where outgoing connections take their ports from.
    public var outgoingPorts: Reading<ClosedRange<UInt16>>
    /// `net.ipv4.ip_local_reserved_ports`: those that outgoing connections leave alone.
    public var reservedPorts: Reading<[ClosedRange<UInt16>]>

    public init(
        listeners: Reading<[PortHolder]>, outgoingPorts: Reading<ClosedRange<UInt16>>,
        reservedPorts: Reading<[ClosedRange<UInt16>]>
    ) {
        self.listeners = listeners
        self.outgoingPorts = outgoingPorts
        self.reservedPorts = reservedPorts
    }
}

/// A TCP port that somebody listens at.
public struct PortHolder: Hashable, Sendable {
    /// Where.
    public enum Place: Hashable, Sendable {
        /// At every address, so that nobody else can have the port anywhere.
        case everywhere
        /// At 127.0.0.1.
        case localhost
        /// At another address, which is in nobody's way.
        case elsewhere
    }

    public var port: UInt16
    public var place: Place
    public var uid: UInt32

    public init(port: UInt16, place: Place, uid: UInt32) {
        self.port = port
        self.place = place
        self.uid = uid
    }
}
