/// The ports that endpoints are drawn from.
enum PortChecks {
    static let all = [taken, outgoing]

    /// With fewer that are free, who looks for an endpoint need not look long.
    static let comfortablePorts = 64

    static let taken = HealthCheck(
        code: "doctor.ports", title: "Ports of the range", severity: .warning,
        consequence:
            "With few ports left an endpoint is soon found, and a move fails when its candidates are all taken; with "
            + "none left no tunnel starts.",
        mend: "choose another range (rotation.portRange), or stop what listens there"
    ) { facts in
        switch facts.network.listeners {
        case .absent: .unknown("/proc/net/tcp is missing")
        case .unknown(let reason): .unknown(reason)
        case .known(let holders): worst(facts.settings.endpoints.map { judge($0, holders, facts.settings) })
        }
    }

    static let outgoing = HealthCheck(
        code: "doctor.ephemeral", title: "Ports of outgoing connections", severity: .note,
        consequence:
            "The kernel gives ports of the range to outgoing connections, and an endpoint that would have come there "
            + "moves on to its next candidate.",
        mend: "reserve the range (net.ipv4.ip_local_reserved_ports), or choose another (rotation.portRange)"
    ) { facts in
        guard case .known(let outgoing) = facts.network.outgoingPorts else {
            return .unknown("net.ipv4.ip_local_port_range could not be read")
        }
        let reserved: [ClosedRange<UInt16>] =
            if case .known(let ranges) = facts.network.reservedPorts { ranges } else { [] }
        let ranges = facts.settings.endpoints.map(\.ports)
        let overlapping = ranges.filter { range in
            range.contains { outgoing.contains($0) && !covers(reserved, $0) }
        }
        guard !overlapping.isEmpty else {
            return .passed("outgoing connections use \(text(outgoing)), endpoints \(list(ranges))")
        }
        return .failed(
            "outgoing connections use \(text(outgoing)), and endpoints \(list(overlapping))",
            mend: sysctl("net.ipv4.ip_local_reserved_ports", (reserved + overlapping).map(text).joined(separator: ",")))
    }

    // MARK: Decisions

    private static func judge(
        _ endpoints: EndpointRange, _ holders: [PortHolder], _ settings: DoctorSettings
    ) -> Verdict {
        let range = endpoints.ports
        let usable = range.filter { !settings.skippedPorts.contains($0) }
        let inTheWay = holders.filter { holder in
            range.contains(holder.port) && !settings.ownPorts.contains(holder.port)
                && (holder.place == .everywhere || holder.place == .localhost && !endpoints.hopsAddresses)
        }
        let free = usable.count - Set(inTheWay.map(\.port)).subtracting(settings.skippedPorts).count
        let state =
            "\(free) of \(range.count) ports of \(text(range)) can be used: \(range.count - usable.count) are left to "
            + "well-known services, \(describe(inTheWay))"
        guard free > 0 else { return .failed(state, severity: .error) }
        // A range that is small by choice is judged by what is left of it.
        return free < min(comfortablePorts, max(1, usable.count / 2)) ? .failed(state) : .passed(state)
    }

    private static func describe(_ holders: [PortHolder]) -> String {
        let ports = Dictionary(holders.map { ($0.port, $0.uid) }) { first, _ in first }.sorted { $0.key < $1.key }
        guard !ports.isEmpty else { return "none is in use by others" }
        let few = ports.prefix(5).map { "\($0.key) by uid \($0.value)" }.joined(separator: ", ")
        return "\(ports.count) in use by others (\(few)\(ports.count > 5 ? ", …" : ""))"
    }

    private static func worst(_ verdicts: [Verdict]) -> Verdict {
        let failed = verdicts.filter { $0.status == .failed }
        let shown = failed.isEmpty ? verdicts : failed
        let detail = shown.map(\.detail).joined(separator: "\n")
        guard !failed.isEmpty else { return .passed(detail) }
        return .failed(detail, severity: failed.contains { $0.severity == .error } ? .error : nil)
    }

    private static func covers(_ ranges: [ClosedRange<UInt16>], _ port: UInt16) -> Bool {
        ranges.contains { $0.contains(port) }
    }

    private static func list(_ ranges: [ClosedRange<UInt16>]) -> String {
        ranges.map(text).joined(separator: ", ")
    }
}
