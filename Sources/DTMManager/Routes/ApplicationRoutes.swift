import DTMAPI
import DTMCore
import DTMDiscovery
import DTMPlan
import DTMPolicy
import Hummingbird

/// `GET /v1/apps`: all for who may steer, his own for anyone else.
struct ApplicationRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("apps") { _, context in
            let caller = try context.caller
            let view = try await parts.applications.view()
            let records = await parts.registry.records
            let seen = view.processes.filter { parts.rights.sees(caller, ownedBy: $0.uid) }
            let isAll = view.isWhole && seen.count == view.processes.count
            return try APIResponse.json(Self.list(seen, records, isAll: isAll))
        }
    }

    static func list(_ apps: [ApplicationObservation], _ records: [TunnelRecord], isAll: Bool) -> AppList {
        let gaps = apps.reduce(into: Set<ApplicationObservation.Gap>()) { $0.formUnion($1.gaps) }
        return AppList(
            apps: apps.map { report($0, records) }, complete: isAll && gaps.isEmpty,
            missingCapabilities: Set(gaps.flatMap(\.neededCapabilities)).sorted())
    }

    static func report(_ app: ApplicationObservation, _ records: [TunnelRecord]) -> AppReport {
        let tunnel = records.first { record in app.listeners.contains { $0.isBehind(record) } }
        return AppReport(
            pid: app.pid, application: app.application, name: app.name, executable: app.executable, uid: app.uid,
            user: app.user, state: app.state.rawValue, cpuPercent: app.cpuPercent, residentBytes: app.residentBytes,
            threads: app.threads, startedAt: app.startedAt.rfc3339, cgroup: app.cgroup,
            listeners: app.listeners.map { listener in
                AppReport.Listener(
                    protocol: listener.transport.rawValue, address: listener.address, port: listener.port)
            },
            connections: app.connections.map(Self.report), tunnel: tunnel?.name.text,
            tier: tunnel == nil ? "none" : "fronted", gaps: app.gaps.map(\.rawValue).sorted())
    }

    private static func report(_ connection: ObservedConnection) -> AppReport.Connection {
        AppReport.Connection(
            local: connection.local.description, remote: connection.remote.description, peerPid: connection.peerPID,
            state: connection.state.name, bytesIn: connection.bytesIn, bytesOut: connection.bytesOut,
            rttMicros: connection.roundTripMicroseconds)
    }
}

extension ObservedListener {
    /// Whether a tunnel's connections to its target come to this listener.
    func isBehind(_ record: TunnelRecord) -> Bool {
        switch record.destination {
        case .some(.tcp(let endpoints)): answers(record.draft.target, at: endpoints.map(\.address))
        case .some(.unix): answers(record.draft.target, at: [])
        case nil: false
        }
    }
}
