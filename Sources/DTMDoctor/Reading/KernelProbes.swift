import CDTMLinux
import Glibc

/// What can be learned by trying alone. Every one lets go at once of what it was given.
struct KernelProbes: Sendable {
    var userNamespace: @Sendable () -> Attempt = { Attempt(dtm_try_user_namespace()) }
    var secretMemory: @Sendable () -> Attempt = { Attempt(dtm_try_secret_memory()) }
    var socketLookUp: @Sendable () -> Attempt = lookUp
    var landlockABI: @Sendable () -> Reading<Int> = landlock
    var clock: @Sendable () -> Reading<ClockFacts> = readClock
    /// Whether somebody answers at a Unix socket.
    var answers: @Sendable (_ path: String) -> Reading<Bool> = connects
    /// What this process may lock, in bytes, and how many descriptors it may allow itself; nil without a limit.
    var lockedBytesLimit: @Sendable () -> UInt64? = { limit(__RLIMIT_MEMLOCK).soft }
    var descriptorLimit: @Sendable () -> UInt64? = { limit(RLIMIT_NOFILE).hard }

    @Sendable private static func lookUp() -> Attempt {
        let diag = dtm_sock_diag_open()
        guard diag >= 0 else { return .refused(-diag) }
        defer { close(diag) }
        // Nobody shakes hands with this address: the answer is empty, and that there is one is the point.
        var nowhere = dtm_tcp_address()
        nowhere.version = 4
        var count: UInt32 = 0
        return Attempt(dtm_count_handshakes(diag, &nowhere, &count))
    }

    @Sendable private static func landlock() -> Reading<Int> {
        let version = dtm_landlock_abi()
        if version == -ENOSYS || version == -EOPNOTSUPP { return .absent }
        return version < 0 ? .unknown("Landlock: \(words(-version))") : .known(Int(version))
    }

    @Sendable private static func readClock() -> Reading<ClockFacts> {
        var error: Int64 = 0
        let state = dtm_clock_state(&error)
        guard state >= 0 else { return .unknown("the clock: \(words(-state))") }
        return .known(ClockFacts(isSynchronised: state == 1, maximumError: error))
    }

    @Sendable private static func connects(_ path: String) -> Reading<Bool> {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return .unknown("\(path) is too long for a socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // Non-blocking: one whose queue is full answers with EAGAIN, and does answer.
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { return .unknown("\(path): \(words(errno))") }
        defer { close(descriptor) }
        let outcome = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard outcome != 0 else { return .known(true) }
        switch errno {
        case EAGAIN: return .known(true)
        case ECONNREFUSED: return .known(false)
        case ENOENT: return .absent
        case let code: return .unknown("\(path): \(words(code))")
        }
    }

    private static func limit(_ resource: __rlimit_resource) -> (soft: UInt64?, hard: UInt64?) {
        var found = rlimit()
        guard getrlimit(__rlimit_resource_t(resource.rawValue), &found) == 0 else { return (0, 0) }
        return (bounded(found.rlim_cur), bounded(found.rlim_max))
    }

    /// The largest number stands for no limit: RLIM_INFINITY.
    private static func bounded(_ limit: rlim_t) -> UInt64? { limit == .max ? nil : UInt64(limit) }
}

extension Attempt {
    /// From what a shim returns: 0, or a negated error number.
    init(_ outcome: Int32) { self = outcome >= 0 ? .worked : .refused(-outcome) }
}
