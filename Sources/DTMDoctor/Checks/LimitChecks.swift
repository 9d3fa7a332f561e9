/// How much a manager may have.
enum LimitChecks {
    static let all = [lockedMemory, descriptors]

    /// Locked pages of a manager without tunnels: its master keys and what is being made.
    static let pagesOfManager: UInt64 = 64
    /// Locked pages of a tunnel: the root of its schedule, the window keys of now and next, and one that is on its way.
    static let pagesOfTunnel: UInt64 = 4
    /// Descriptors of a connection: the client's and the target's.
    static let descriptorsOfConnection: UInt64 = 2
    /// Listeners of a tunnel: live, overlapping, the next one, one that closes.
    static let descriptorsOfTunnel: UInt64 = 4
    /// Logs, control connections, the processes' own.
    static let descriptorsOfManager: UInt64 = 128

    static let lockedMemory = HealthCheck(
        code: "doctor.memlock", title: "Locked memory", severity: .warning,
        consequence:
            "Keys are kept in memory that is never swapped out; where the limit ends, a tunnel more is refused.",
        mend: "ulimit -l, memlock in /etc/security/limits.conf, or LimitMEMLOCK= in the unit"
    ) { facts in
        let needed = bytes(facts, tunnels: facts.settings.maximumTunnels)
        if case .known(let held) = facts.process.capabilities, held.contains(.ipcLock) {
            return .passed("without a limit (CAP_IPC_LOCK); \(size(needed)) are needed at most")
        }
        guard let limit = facts.process.lockedBytesLimit else {
            return .passed("without a limit; \(size(needed)) are needed at most")
        }
        let state = "\(size(limit)) are allowed, \(size(needed)) needed for \(facts.settings.maximumTunnels) tunnels"
        guard limit < needed else { return .passed(state) }
        return .failed(
            state, severity: limit < bytes(facts, tunnels: 1) ? .error : nil,
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

    private static func bytes(_ facts: HostFacts, tunnels: Int) -> UInt64 {
        (pagesOfManager + pagesOfTunnel * UInt64(max(0, tunnels))) * facts.memory.pageBytes
    }
}
