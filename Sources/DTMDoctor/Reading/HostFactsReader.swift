import Glibc

/// Looks at this host, from this process. It takes some milliseconds and waits for nobody, but blocks: not for an event
/// loop.
public struct HostFactsReader: Sendable {
    let files: HostFiles
    let probes: KernelProbes
    let uid: UInt32

    /// Reads this host.
    public init() { self.init(root: "", probes: KernelProbes(), uid: geteuid()) }

    /// - Parameter root: where the host's `/proc` and `/sys` and the home are, instead of at `/`.
    init(root: String, probes: KernelProbes, uid: UInt32) {
        files = HostFiles(root: root)
        self.probes = probes
        self.uid = uid
    }

    /// What cannot be read is marked so, never left out.
    public func read(_ settings: DoctorSettings) -> HostFacts {
        HostFacts(
            settings: settings, process: process, kernel: kernel, memory: memory, network: network,
            home: HomeReader(files: files, probes: probes).read(settings.home))
    }

    private var process: ProcessFacts {
        ProcessFacts(
            uid: uid,
            capabilities: files.read("/proc/self/status").flatMap { status in
                Parsers.effectiveCapabilities(status).map { .known($0) } ?? .unknown("/proc/self/status has no CapEff")
            },
            lockedBytesLimit: probes.lockedBytesLimit(), descriptorLimit: probes.descriptorLimit())
    }

    private var kernel: KernelFacts {
        let names = [
            "kernel.unprivileged_userns_clone", "user.max_user_namespaces", "user.max_net_namespaces",
            "kernel.apparmor_restrict_unprivileged_userns",
        ]
        var settings: [String: Int64] = [:]
        for name in names { settings[name] = files.number(Self.path(name)).value }
        return KernelFacts(
            release: files.line("/proc/sys/kernel/osrelease"), socketLookUp: probes.socketLookUp(),
            procOptions: files.read("/proc/self/mountinfo", limit: 1 << 20).flatMap { table in
                Parsers.procOptions(table).map { .known($0) } ?? .absent
            },
            userNamespace: probes.userNamespace(), namespaceSettings: settings, landlockABI: probes.landlockABI(),
            clock: probes.clock())
    }

    private var memory: MemoryFacts {
        MemoryFacts(
            pageBytes: UInt64(max(4_096, sysconf(Int32(_SC_PAGESIZE)))), secretMemory: probes.secretMemory(),
            ptraceScope: files.number(Self.path("kernel.yama.ptrace_scope")),
            corePattern: files.line(Self.path("kernel.core_pattern")),
            swaps: files.read("/proc/swaps").map { Parsers.swaps($0).map(swap) })
    }

    /// zram is memory; a device of dm-crypt has a UUID that says so. A file is as safe as what is below it, which is
    /// not known.
    private func swap(_ path: String) -> SwapFacts {
        let name = Self.device(path)
        let uuid = files.line("/sys/class/block/\(name)/dm/uuid").value ?? ""
        return SwapFacts(path: path, isProtected: name.hasPrefix("zram") || uuid.hasPrefix("CRYPT-"))
    }

    /// `/dev/mapper/x` is a link to `../dm-0`.
    private static func device(_ path: String) -> String {
        guard path.hasPrefix("/dev/"), let resolved = realpath(path, nil) else {
            return path.split(separator: "/").last.map(String.init) ?? ""
        }
        defer { free(resolved) }
        return String(cString: resolved).split(separator: "/").last.map(String.init) ?? ""
    }

    private var network: NetworkFacts {
        let limit = 8 << 20
        let four = files.read("/proc/net/tcp", limit: limit).map { Parsers.listeners($0) }
        let six = files.read("/proc/net/tcp6", limit: limit).map { Parsers.listeners($0) }
        return NetworkFacts(
            listeners: four.map { $0 + (six.value ?? []) },
            outgoingPorts: files.line(Self.path("net.ipv4.ip_local_port_range")).flatMap { text in
                Parsers.range(text).map { .known($0) } ?? .unknown("net.ipv4.ip_local_port_range holds no range")
            },
            reservedPorts: files.line(Self.path("net.ipv4.ip_local_reserved_ports")).map(Parsers.ranges))
    }

    private static func path(_ setting: String) -> String {
        "/proc/sys/" + String(setting.map { $0 == "." ? "/" : $0 })
    }
}
