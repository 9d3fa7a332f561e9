import CDTMLinux
import Glibc

/// What every process of the manager does first, before it reads a secret and before a second thread exists.
public enum ProcessHardening {
    /// No core files, no reading of our memory by others of the same user, no gain of privileges by what we execute
    /// (`setrlimit(2)`, `prctl(2)`), and secrets overwritten at the end, whatever ends the process. What the kernel
    /// refuses is left as it was; ``lapses()`` tells it.
    public static func apply() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        _ = dtm_prctl_dumpable_off()
        _ = dtm_prctl_no_new_privs()
        MemoryProtection.wipeAtEnd()
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
    }

    /// What of ``apply()`` is not in force, each as a sentence: something took it back, or the kernel refused it.
    public static func lapses() -> [String] {
        var found: [String] = []
        if dtm_prctl_is_dumpable() != 0 { found.append("other programs of this user may trace and dump the process") }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) != 0 || limit.rlim_cur != 0 {
            found.append("the process may leave a core file")
        }
        if dtm_prctl_has_no_new_privs() != 1 { found.append("what the process executes may gain privileges") }
        return found
    }

    /// The same for a command that holds secrets, as a connector does. If Swift's backtracer is on, the program begins
    /// again without it: it reads its setting only at the start.
    public static func applyToCommand() {
        apply()
        raiseDescriptorLimit()
        guard getenv("SWIFT_BACKTRACE").map({ String(cString: $0) }) != backtracerOff else { return }
        setenv("SWIFT_BACKTRACE", backtracerOff, 1)
        // Only fails where /proc is not mounted; then this process goes on as it is.
        execv("/proc/self/exe", CommandLine.unsafeArgv)
    }

    /// What `ps` and `top` call this process; they would say `exe` of one that was started by way of `/proc/self/exe`.
    /// At most 15 bytes.
    public static func setName(_ name: String) { _ = dtm_prctl_set_name(name) }

    private static let backtracerOff = "enable=no"

    /// As many descriptors as the hard limit allows: a connection costs two.
    public static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// The environment for processes of the manager: ours, with Swift's crash backtracer off. It would print memory
    /// near registers to standard error.
    public static func childEnvironment() -> [String] {
        var list: [String] = []
        var entry = environ
        while let text = entry.pointee {
            let variable = String(cString: text)
            if !variable.hasPrefix("SWIFT_BACKTRACE=") { list.append(variable) }
            entry += 1
        }
        return list + ["SWIFT_BACKTRACE=\(backtracerOff)"]
    }
}
