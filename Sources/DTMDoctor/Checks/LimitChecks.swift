/// How much a manager may have.
public enum LimitChecks {
    static let all = [lockedMemory, descriptors]

    /// What each process of a manager, and each connector, asks for, and with how little it makes do: the master key, and
    /// the places where secrets lie open while they are used (`MemoryProtection` in DTMSecrets).
    public static let lockedBytesWanted: UInt64 = 131_072
    public static let lockedBytesLeast: UInt64 = 4_096
    /// Descriptors of a connection: the client's and the target's.
    static let descriptorsOfConnection: UInt64 = 2
    /// Listeners of a tunnel: live, overlapping, the next one, one that closes.
    static let descriptorsOfTunnel: UInt64 = 4
    /// Logs, control connections, the processes' own.
    static let descriptorsOfManager: UInt64 = 128

    static let lockedMemory = HealthCheck(
        code: "doctor.memlock", title: "Locked memory", severity: .warning,
        consequence:
            "Keys lie open in memory that is never swapped out; with little of it, what needs one waits for another, and with "
            + "none, no manager and no connector starts.",
        mend: "ulimit -l, memlock in /etc/security/limits.conf, or LimitMEMLOCK= in the unit"
    ) { facts in
        let needed = max(lockedBytesWanted, facts.memory.pageBytes)
        if case .known(let held) = facts.process.capabilities, held.contains(.ipcLock) {
            return .passed("without a limit (CAP_IPC_LOCK); each process takes \(size(needed))")
        }
        guard let limit = facts.process.lockedBytesLimit else {
            return .passed("without a limit; each process takes \(size(needed))")
        }
        let state = "\(size(limit)) are allowed to each process, \(size(needed)) wanted"
        guard limit < needed else { return .passed(state) }
        return .failed(
            state, severity: limit < max(lockedBytesLeast, facts.memory.pageBytes) ? .error : nil,
            mend: "LimitMEMLOCK=\(needed) in the unit, or ulimit -l \((needed + 1_023) / 1_024) before dtm up")
    }

    static let descriptors = HealthCheck(
        code: "doctor.descriptors", title: "Open files", severity: .warning,
        consequence:
            "Under load, connections wait in their queue until others have ended, before the configured limit is "
            + "reached.",
        mend:
            "ulimit -Hn, nofile in /etc/security/limits.conf, LimitNOFILE= in the unit, or lower limits.maximumConnections"
    ) { facts in
        let settings = facts.settings
        let needed =
            descriptorsOfConnection * UInt64(max(0, settings.maximumConnections))
            + descriptorsOfTunnel * UInt64(max(0, settings.maximumTunnels)) + descriptorsOfManager
        guard let limit = facts.process.descriptorLimit else { return .passed("without a limit; \(needed) are needed") }
        let state = "\(limit) are allowed, \(needed) needed for \(settings.maximumConnections) connections"
        guard limit < needed else { return .passed(state) }
        return .failed(state, mend: "LimitNOFILE=\(needed) in the unit, or ulimit -Hn \(needed) before dtm up")
    }
}
