import DTMAPI

extension ConsoleModel {
    /// What the keys act on: what was gone into, or else the selected row.
    var subject: RowID? { details.last ?? (screen.isList ? list.selection : nil) }

    /// The application that ``subject`` is or that is behind it.
    var subjectApp: AppEntry? {
        switch subject {
        case .app(let pid): data.apps[pid]
        case .tunnel(let name): data.processes(behind: name).first
        case .analysis(let name): Int32(name).flatMap { data.apps[$0] } ?? data.processes(behind: name).first
        default: nil
        }
    }

    /// The finding that ``subject`` is.
    var subjectFinding: FindingReport? {
        guard case .finding(let id) = subject else { return nil }
        return data.findings?.findings.first { $0.id == id }
    }

    /// The tunnel that ``subject`` is or that is in front of it.
    var subjectTunnel: TunnelEntry? {
        switch subject {
        case .app(let pid): data.apps[pid]?.report.tunnel.flatMap { data.tunnels[$0] }
        case .tunnel(let name): data.tunnels[name]
        case .analysis(let name): data.tunnels[name] ?? subjectApp?.report.tunnel.flatMap { data.tunnels[$0] }
        case .event(let id): data.events.first { $0.id == id }?.tunnel.flatMap { data.tunnels[$0] }
        case .response(let id): data.response(id)?.tunnel.flatMap { data.tunnels[$0] }
        case .finding, nil: nil
        }
    }
}
