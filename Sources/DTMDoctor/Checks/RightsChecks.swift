import Glibc

/// What the manager's process may see and do.
enum RightsChecks {
    static let all = [sight, network, lookUp, proc, namespaces]

    static let sight = HealthCheck(
        code: "doctor.rights", title: "Sight of other users", severity: .note,
        consequence:
            "Applications of other users are shown without their executables and sockets, and can't be protected by "
            + "their PID.",
        mend:
            "run the manager as root (dtm up --system), or with AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH in "
            + "its unit"
    ) { facts in
        needs([.sysPtrace, .readSearch], facts) { "uid \(facts.process.uid) sees the processes of every user" }
    }

    static let network = HealthCheck(
        code: "doctor.netadmin", title: "Network rights", severity: .note,
        consequence:
            "An application that runs already can't be fenced: its port stays open beside its tunnel. New processes are "
            + "noticed by looking, not by the kernel's word.",
        mend: "run the manager as root (dtm up --system), or with AmbientCapabilities=CAP_NET_ADMIN in its unit"
    ) { facts in
        needs([.netAdmin], facts) { "uid \(facts.process.uid) may set up the network" }
    }

    static let lookUp = HealthCheck(
        code: "doctor.sockdiag", title: "Look-up of callers", severity: .error,
        consequence: "Nobody can be told whose a connection is: dtm connect --listen refuses everyone.",
        mend:
            "load the kernel's module tcp_diag (modprobe tcp_diag), and let a container's seccomp profile allow netlink"
    ) { facts in
        switch facts.kernel.socketLookUp {
        case .worked: .passed("sock_diag answers")
        case .refused(ENOENT): .failed("the kernel has no tcp_diag", mend: "modprobe tcp_diag")
        case .refused(let code): .failed("sock_diag can't be asked: \(words(code))")
        }
    }

    static let proc = HealthCheck(
        code: "doctor.proc", title: "/proc", severity: .warning,
        consequence: "Applications of other users are not found at all, or none are.",
        mend: "mount -o remount,hidepid=0 /proc, or hidepid=2,gid=dtm with the manager's user in group dtm"
    ) { facts in
        switch facts.kernel.procOptions {
        case .absent: .failed("nothing is mounted at /proc", severity: .error, mend: "mount -t proc proc /proc")
        case .unknown(let reason): .unknown(reason)
        case .known(let options): judge(options, facts.process)
        }
    }

    static let namespaces = HealthCheck(
        code: "doctor.userns", title: "User namespaces", severity: .warning,
        consequence: "Applications can't be isolated: dtm run and dtm exec can't give them a network of their own.",
        mend: "allow user namespaces: kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, "
            + "kernel.apparmor_restrict_unprivileged_userns=0"
    ) { facts in
        switch facts.kernel.userNamespace {
        case .worked: .passed("uid \(facts.process.uid) may make them")
        case .refused(let code): refusal(code, facts.kernel.namespaceSettings)
        }
    }

    // MARK: Decisions

    private static func needs(
        _ wanted: Capabilities, _ facts: HostFacts, _ passed: () -> String
    ) -> Verdict {
        switch facts.process.capabilities {
        case .absent: return .unknown("the kernel does not say what this process may do")
        case .unknown(let reason): return .unknown(reason)
        case .known(let held):
            let missing = wanted.subtracting(held)
            guard !missing.isEmpty else { return .passed(passed()) }
            return .failed("uid \(facts.process.uid) lacks \(missing.names.joined(separator: " and "))")
        }
    }

    private static func judge(_ options: [String], _ process: ProcessFacts) -> Verdict {
        if options.contains("subset=pid") {
            return .failed(
                "/proc is mounted with subset=pid: the tables of sockets are missing from it", severity: .error,
                consequence: "Nobody who listens is found, and nobody can be protected by a PID or a name.",
                mend: "mount -t proc proc /proc")
        }
        let hidden = options.first { $0.hasPrefix("hidepid=") && !["hidepid=0", "hidepid=off"].contains($0) }
        guard let hidden else { return .passed("every process is listed") }
        if case .known(let held) = process.capabilities, held.contains(.sysPtrace) {
            return .passed("\(hidden), which CAP_SYS_PTRACE sees through")
        }
        return .failed("/proc is mounted with \(hidden)")
    }

    /// Names the setting that is in the way, when it is one of those known.
    private static func refusal(_ code: Int32, _ settings: [String: Int64]) -> Verdict {
        let state = "the kernel refuses them: \(words(code))"
        let remedies: [(name: String, bad: Int64, good: String)] = [
            ("kernel.unprivileged_userns_clone", 0, "1"), ("user.max_user_namespaces", 0, "15000"),
            ("user.max_net_namespaces", 0, "15000"), ("kernel.apparmor_restrict_unprivileged_userns", 1, "0"),
        ]
        guard let guilty = remedies.first(where: { settings[$0.name] == $0.bad }) else { return .failed(state) }
        return .failed("\(state); \(guilty.name) is \(guilty.bad)", mend: sysctl(guilty.name, guilty.good))
    }
}

/// What an error number means (`strerror_r(3)`).
func words(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
