import Glibc

@testable import DTMDoctor

/// What can be wrong with a host.
enum HostFaults {
    typealias Fault = CheckTests.Fault

    static let all: [Fault] = ports + limits + rights + memory + kernel

    private static let ports = [
        Fault("doctor.ports", "few are left", .warning, detail: "10 of 1001", mend: "rotation.portRange") {
            $0.network.listeners = .known(holders(5_000...5_990))
        },
        Fault("doctor.ports", "none is left", .error, detail: "0 of 1001", mend: "rotation.portRange") {
            $0.network.listeners = .known(holders(5_000...6_000))
        },
        Fault("doctor.ports", "one of two ranges is taken", .error, detail: "0 of 3 ports of 7001-7003") {
            $0.settings.endpoints.append(EndpointRange(ports: 7_001...7_003, hopsAddresses: false))
            $0.network.listeners = .known(
                (7_001...7_003).map { PortHolder(port: $0, place: .localhost, uid: 33) })
        },
        Fault(
            "doctor.ephemeral", "they overlap", .note, detail: "4096-5999",
            mend: "sysctl -w net.ipv4.ip_local_reserved_ports=8080,5000-6000"
        ) {
            $0.network.outgoingPorts = .known(4_096...5_999)
            $0.network.reservedPorts = .known([8_080...8_080])
        },
    ]

    private static func holders(_ ports: ClosedRange<UInt16>) -> [PortHolder] {
        ports.map { PortHolder(port: $0, place: .everywhere, uid: 33) }
    }

    private static let limits = [
        Fault("doctor.memlock", "work waits", .warning, detail: "64 KiB are allowed", mend: "LimitMEMLOCK=131072") {
            $0.process.lockedBytesLimit = 64 << 10
        },
        Fault("doctor.memlock", "nothing may be locked", .error, detail: "0 B are allowed", mend: "ulimit -l 128") {
            $0.process.lockedBytesLimit = 0
        },
        Fault("doctor.descriptors", "the usual limit", .warning, detail: "4096 are allowed", mend: "LimitNOFILE=17536")
        {
            $0.process.descriptorLimit = 4_096
        },
    ]

    private static let rights = [
        Fault("doctor.rights", "one is missing", .note, detail: "lacks CAP_SYS_PTRACE", mend: "Ambient") {
            $0.process.capabilities = .known([.readSearch, .netAdmin])
        },
        Fault("doctor.netadmin", "it is missing", .note, detail: "lacks CAP_NET_ADMIN", mend: "CAP_NET_ADMIN") {
            $0.process.capabilities = .known([.readSearch, .sysPtrace])
        },
        Fault("doctor.sockdiag", "no module", .error, detail: "tcp_diag", mend: "modprobe tcp_diag") {
            $0.kernel.socketLookUp = .refused(ENOENT)
        },
        Fault("doctor.sockdiag", "seccomp", .error, detail: "not permitted", mend: "seccomp") {
            $0.kernel.socketLookUp = .refused(EPERM)
        },
        Fault("doctor.proc", "not mounted", .error, detail: "nothing is mounted", mend: "mount -t proc") {
            $0.kernel.procOptions = .absent
        },
        Fault("doctor.proc", "subset", .error, detail: "subset=pid", mend: "mount -t proc") {
            $0.kernel.procOptions = .known(["rw", "subset=pid"])
        },
        Fault("doctor.userns", "for no known reason", .warning, detail: "not permitted", mend: "max_user_namespaces") {
            $0.kernel.userNamespace = .refused(EPERM)
        },
        Fault(
            "doctor.userns", "AppArmor", .warning, detail: "apparmor_restrict_unprivileged_userns is 1",
            mend: "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        ) {
            $0.kernel.userNamespace = .refused(EPERM)
            $0.kernel.namespaceSettings = [
                "user.max_user_namespaces": 15_000, "kernel.apparmor_restrict_unprivileged_userns": 1,
            ]
        },
    ]

    private static let memory = [
        Fault("doctor.secretmemory", "switched off", .note, detail: "memfd_secret", mend: "secretmem.enable=1") {
            $0.memory.secretMemory = .refused(ENOSYS)
        },
        Fault(
            "doctor.secretmemory", "switched off, and required", .error, detail: "memfd_secret gives none",
            mend: "prefer"
        ) {
            $0.memory.secretMemory = .refused(ENOSYS)
            $0.settings.requiresSecretMemory = true
        },
        Fault(
            "doctor.secretmemory", "not in force", .note, detail: "control's secrets in locked memory",
            mend: "start it anew"
        ) {
            $0.settings.protection = DoctorSettings.Protection(
                control: "locked", dataPlane: "secret", reason: "memfd_secret: Try again", lapses: [])
        },
        Fault(
            "doctor.protections", "one was taken away", .error, detail: "control: it may be dumped", mend: "dtm events"
        ) {
            $0.settings.protection = DoctorSettings.Protection(
                control: "secret", dataPlane: "secret", reason: nil, lapses: ["control: it may be dumped"])
        },
        Fault("doctor.swap", "a disk", .note, detail: "/dev/sda2", mend: "crypttab") {
            $0.memory.swaps = .known([
                SwapFacts(path: "/dev/sda2", isProtected: false), SwapFacts(path: "/dev/zram0", isProtected: true),
            ])
        },
        Fault("doctor.cores", "piped", .note, detail: "apport %p", mend: "sysctl -w kernel.core_pattern=core") {
            $0.memory.corePattern = .known("|/usr/share/apport/apport %p")
        },
        Fault("doctor.ptrace", "open", .note, detail: "is 0", mend: "sysctl -w kernel.yama.ptrace_scope=1") {
            $0.memory.ptraceScope = .known(0)
        },
        Fault("doctor.ptrace", "no Yama", .note, detail: "no Yama", mend: "lsm=") { $0.memory.ptraceScope = .absent },
    ]

    private static let kernel = [
        Fault("doctor.clock", "nothing keeps it", .warning, detail: "STA_UNSYNC", mend: "chrony") {
            $0.kernel.clock = .known(ClockFacts(isSynchronised: false, maximumError: 16_000_000))
        },
        Fault("doctor.landlock", "none", .note, detail: "Linux 6.12.0 has none", mend: "lsm=") {
            $0.kernel.landlockABI = .absent
        },
        Fault("doctor.landlock", "an old one", .note, detail: "version 2", mend: "6.7") {
            $0.kernel.landlockABI = .known(2)
        },
    ]
}
