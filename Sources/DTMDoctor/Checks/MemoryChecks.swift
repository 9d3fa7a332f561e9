import Glibc

/// Where what is in memory may get to.
enum MemoryChecks {
    static let all = [secretMemory, protections, swap, coreFiles, tracing]

    static let secretMemory = HealthCheck(
        code: "doctor.secretmemory", title: "Memory that the kernel can't read", severity: .note,
        consequence: "Keys are in locked memory, which a dump of the kernel, and root by way of it, would hold.",
        mend: "boot a kernel 5.14 or later with secretmem.enable=1"
    ) { facts in
        let inForce = facts.settings.protection.map { "; in force: \(text($0))" } ?? ""
        let isRequired = facts.settings.requiresSecretMemory
        switch facts.memory.secretMemory {
        case .worked where facts.settings.protection?.reason == nil:
            return .passed("memfd_secret gives some\(inForce)")
        case .worked:
            return .failed("memfd_secret gives some now\(inForce)", mend: "end the manager and start it anew: dtm up")
        case .refused(let code):
            return .failed(
                "memfd_secret gives none: \(words(code))\(inForce)", severity: isRequired ? .error : nil,
                consequence: isRequired
                    ? "A manager does not start here, for memory.protection is \"require\"." : nil,
                mend: isRequired
                    ? "boot a kernel 5.14 or later with secretmem.enable=1, or set memory.protection to \"prefer\""
                    : nil)
        }
    }

    private static func text(_ protection: DoctorSettings.Protection) -> String {
        let dataPlane = protection.dataPlane.map { ", the data plane's in \($0) memory" } ?? ""
        return "control's secrets in \(protection.control) memory\(dataPlane)"
            + (protection.reason.map { " (\($0))" } ?? "")
    }

    static let protections = HealthCheck(
        code: "doctor.protections", title: "Protections of the manager's processes", severity: .error,
        consequence:
            "Something took back what keeps keys from other programs, from dumps or from children, or changed the program "
            + "that runs. Root alone can do that.",
        mend: "dtm events says since when; find out who did it, then end the manager and start it anew: dtm up"
    ) { facts in
        guard let protection = facts.settings.protection else {
            return .notApplicable("no manager runs, or none answers")
        }
        guard protection.lapses.isEmpty else { return .failed(protection.lapses.joined(separator: "\n")) }
        return .passed(
            "they hold: protected memory, no core files, no tracing, no gain of privileges, the same program")
    }

    static let swap = HealthCheck(
        code: "doctor.swap", title: "Swap", severity: .note,
        consequence: "Keys are never swapped out, but what passes through a tunnel may be, and a disk keeps it.",
        mend: "encrypt the swap (crypttab), use zram, or MemorySwapMax=0 in the unit"
    ) { facts in
        switch facts.memory.swaps {
        case .absent: return .passed("the kernel has none")
        case .unknown(let reason): return .unknown(reason)
        case .known(let swaps):
            let bare = swaps.filter { !$0.isProtected }.map(\.path)
            guard bare.isEmpty else { return .failed("not known to be encrypted: \(bare.joined(separator: ", "))") }
            return .passed(swaps.isEmpty ? "there is none" : "encrypted, or in memory itself")
        }
    }

    static let coreFiles = HealthCheck(
        code: "doctor.cores", title: "Core dumps", severity: .note,
        consequence:
            "DTM's own processes leave none. One of a protected application goes, memory and all, to the program that "
            + "core_pattern names, whatever its limit on core files says.",
        mend: "kernel.core_pattern=core, or a collector that keeps dumps encrypted"
    ) { facts in
        switch facts.memory.corePattern {
        case .absent: return .passed("the kernel makes none")
        case .unknown(let reason): return .unknown(reason)
        case .known(let pattern):
            guard pattern.hasPrefix("|") else { return .passed("none is piped to a program") }
            return .failed("piped to \(pattern.dropFirst())", mend: sysctl("kernel.core_pattern", "core"))
        }
    }

    static let tracing = HealthCheck(
        code: "doctor.ptrace", title: "Tracing of processes", severity: .note,
        consequence:
            "DTM's own processes can't be traced, but any program of a user can read the memory of that user's "
            + "applications, behind their tunnels too.",
        mend: "kernel.yama.ptrace_scope=1"
    ) { facts in
        switch facts.memory.ptraceScope {
        case .absent: .failed("the kernel has no Yama", mend: "boot with Yama: lsm=…,yama on the kernel's command line")
        case .unknown(let reason): .unknown(reason)
        case .known(0): .failed("kernel.yama.ptrace_scope is 0", mend: sysctl("kernel.yama.ptrace_scope", "1"))
        case .known(let scope): .passed("kernel.yama.ptrace_scope is \(scope)")
        }
    }
}
