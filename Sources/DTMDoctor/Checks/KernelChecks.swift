/// What the kernel has, and how it keeps the time.
enum KernelChecks {
    static let all = [clock, landlock]

    /// From this version on, Landlock has rules for TCP ports (`landlock(7)`).
    static let landlockWithPorts = 4

    static let clock = HealthCheck(
        code: "doctor.clock", title: "Clock", severity: .warning,
        consequence:
            "Moves of endpoints and lifetimes of certificates run on a steady clock and don't suffer; the times in the "
            + "log do, and so do certificates that another host looks at.",
        mend: "timedatectl set-ntp true, or install chrony; in a container or virtual machine, on its host"
    ) { facts in
        switch facts.kernel.clock {
        case .absent: .unknown("the kernel does not say")
        case .unknown(let reason): .unknown(reason)
        case .known(let clock) where clock.isSynchronised:
            .passed("kept in time, to within \(clock.maximumError / 1_000) ms")
        case .known: .failed("nothing keeps it in time, says the kernel (STA_UNSYNC)")
        }
    }

    static let landlock = HealthCheck(
        code: "doctor.landlock", title: "Landlock", severity: .note,
        consequence:
            "A process that is taken over can't be kept from files and ports by the kernel; DTM's other measures stay in "
            + "force.",
        mend: "a kernel 6.7 or later, with landlock in lsm= on its command line"
    ) { facts in
        let kernel = if case .known(let release) = facts.kernel.release { "Linux \(release)" } else { "this kernel" }
        switch facts.kernel.landlockABI {
        case .absent: return .failed("\(kernel) has none, or it is switched off")
        case .unknown(let reason): return .unknown(reason)
        case .known(let version) where version < landlockWithPorts:
            return .failed("\(kernel) has version \(version), which knows files and no ports")
        case .known(let version): return .passed("\(kernel) has version \(version), for files and ports")
        }
    }
}
