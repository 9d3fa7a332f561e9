import DTMAPI

/// The orders of the list of applications.
enum AppSorting: Int, CaseIterable, Sendable {
    /// What is protected first, then what listens, then what is connected.
    case relevance
    case name, pid, user, cpu, memory, connections, throughput

    var title: String {
        switch self {
        case .relevance: "protected first"
        case .name: "name"
        case .pid: "PID"
        case .user: "user"
        case .cpu: "CPU"
        case .memory: "memory"
        case .connections: "connections"
        case .throughput: "throughput"
        }
    }

    var next: Self { Self(rawValue: (rawValue + 1) % Self.allCases.count) ?? .relevance }

    /// Sorted, so that equal ones stay calm: by name, then by PID.
    func sorted(_ entries: [AppEntry], isReversed: Bool) -> [Int32] {
        let keyed = entries.map { (key: key($0), name: $0.report.application, pid: $0.report.pid) }
        let sorted = keyed.sorted { left, right in
            if left.key.number != right.key.number {
                return isReversed ? left.key.number < right.key.number : left.key.number > right.key.number
            }
            if left.key.text != right.key.text {
                return isReversed ? left.key.text > right.key.text : left.key.text < right.key.text
            }
            return left.name != right.name ? left.name < right.name : left.pid < right.pid
        }
        return sorted.map(\.pid)
    }

    /// The largest number first, then the first text.
    private func key(_ entry: AppEntry) -> (number: Double, text: String) {
        switch self {
        case .relevance: (Double(relevance(entry)), "")
        case .name: (0, entry.report.application)
        case .pid: (-Double(entry.report.pid), "")
        case .user: (0, entry.report.user)
        // Steps, so that what idles does not dance.
        case .cpu: ((entry.report.cpuPercent * 2).rounded(), "")
        case .memory: (Double(entry.report.residentBytes >> 20), "")
        case .connections: (Double(entry.connectionCount), "")
        case .throughput: ((entry.rate ?? 0).rounded(), "")
        }
    }

    /// DTM's own processes and what has nothing but a path come last: nobody protects them from here.
    private func relevance(_ entry: AppEntry) -> Int {
        let report = entry.report
        if report.tunnel != nil { return 4 }
        if report.application == "dtm" || report.application.hasPrefix("dtm-") { return 0 }
        if report.listeners.contains(where: { $0.protocol != "unix" }) { return 3 }
        return entry.connectionCount > 0 ? 2 : report.listeners.isEmpty ? 0 : 1
    }
}
