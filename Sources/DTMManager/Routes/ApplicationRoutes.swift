import DTMAPI
import DTMCore
import DTMDiscovery
import DTMPlan
import DTMPolicy
import Glibc
import Hummingbird

/// `GET /v1/apps`: all for who may steer, his own for anyone else. What is missing is told of what the caller sees.
struct ApplicationRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("apps") { _, context in
            let caller = try context.caller
            let view = try await parts.applications.sharedView()
            let records = await parts.registry.records
            return try APIResponse.json(Self.list(view, records, for: caller, parts.rights))
        }
    }

    /// What `caller` may see of it: all of a process, its command line included, or nothing.
    static func list(
        _ view: ApplicationView, _ records: [TunnelRecord], for caller: LocalCaller, _ rights: APIRights
    ) -> AppList {
        let apps = view.processes.filter { rights.sees(caller, ownedBy: $0.uid) }
        let gaps = apps.reduce(into: Set<ApplicationObservation.Gap>()) { $0.formUnion($1.gaps) }
        return list(apps.map { report($0, records) }, gaps: gaps, HostScene(view), records, for: caller, rights)
    }

    /// The list of `apps`, which are all that `caller` may see, with what is to be known about it.
    ///
    /// - Parameter gaps: Of these.
    static func list(
        _ apps: [AppReport], gaps: Set<ApplicationObservation.Gap>, _ scene: HostScene, _ records: [TunnelRecord],
        for caller: LocalCaller, _ rights: APIRights
    ) -> AppList {
        let ownOnly = !rights.decide(.steer, caller: caller).allowed
        var list = AppList(
            apps: apps, complete: scene.isWhole && !ownOnly && gaps.isEmpty,
            missingCapabilities: Set(gaps.flatMap(\.neededCapabilities)).sorted())
        list.unattributed = scene.unattributed.filter { rights.sees(caller, ownedBy: $0.uid) }
            .map { report($0, records, users: scene.users) }
        list.ownOnly = ownOnly
        list.losses = scene.losses.map(\.rawValue).sorted()
        list.truncated = scene.isTruncated
        return list
    }

    /// - Parameters:
    ///   - listeners: The most of them that it shows.
    ///   - connections: The same; how many more there are is in it.
    static func report(
        _ app: ApplicationObservation, _ records: [TunnelRecord], listeners: Int = .max, connections: Int = .max
    ) -> AppReport {
        let tunnel = records.first { record in app.listeners.contains { $0.isBehind(record) } }
        var report = AppReport(
            pid: app.pid, application: app.application, name: app.name, executable: app.executable, uid: app.uid,
            user: app.user, state: app.state.rawValue, cpuPercent: app.cpuPercent, residentBytes: app.residentBytes,
            threads: app.threads, startedAt: app.startedAt.rfc3339, cgroup: app.cgroup,
            listeners: app.listeners.prefix(listeners).map { Self.report($0, of: app.pid, records) },
            connections: app.connections.prefix(connections).map(Self.report),
            tunnel: tunnel?.name.text, tier: tier(tunnel), gaps: app.gaps.map(\.rawValue).sorted())
        report.unit = app.unit
        report.container = app.container
        report.arguments = app.redactedArguments
        report.descriptors = app.openDescriptors
        report.parent = app.parent > 0 ? app.parent : nil
        report.otherNetwork = app.isInOtherNetwork
        if app.connections.count > connections { report.omittedConnections = app.connections.count - connections }
        return report
    }

    private static func report(
        _ listener: ObservedListener, of pid: Int32, _ records: [TunnelRecord]
    ) -> AppReport.Listener {
        let tunnel = tunnel(before: listener, records)
        // Only of this manager's own sockets is it known that they were renamed.
        let isOwn = pid == getpid() && listener.transport == .unix
        return AppReport.Listener(
            protocol: listener.transport.rawValue,
            address: isOwn ? ControlSocket.published(listener.address, process: pid) : listener.address,
            port: listener.port,
            tunnel: tunnel?.name.text, tier: tier(tunnel))
    }

    /// - Parameter users: The names that are known by now: this is no place to read files.
    private static func report(
        _ listener: ObservedListener, _ records: [TunnelRecord], users: [UInt32: String]
    ) -> AppList.Unattributed {
        let tunnel = tunnel(before: listener, records)
        return AppList.Unattributed(
            protocol: listener.transport.rawValue, address: listener.address, port: listener.port, uid: listener.uid,
            user: listener.uid.flatMap { users[$0] }, tunnel: tunnel?.name.text, tier: tier(tunnel))
    }

    private static func tunnel(before listener: ObservedListener, _ records: [TunnelRecord]) -> TunnelRecord? {
        records.first { listener.isBehind($0) }
    }

    private static func tier(_ tunnel: TunnelRecord?) -> String { tunnel == nil ? "none" : "fronted" }

    private static func report(_ connection: ObservedConnection) -> AppReport.Connection {
        AppReport.Connection(
            local: connection.local.description, remote: connection.remote.description, peerPid: connection.peerPID,
            state: connection.state.name, bytesIn: connection.bytesIn, bytesOut: connection.bytesOut,
            rttMicros: connection.roundTripMicroseconds)
    }
}

/// What a look at the host tells besides its processes.
struct HostScene: Hashable, Sendable {
    /// Listeners that no process which can be read holds.
    var unattributed: [ObservedListener] = []
    var losses: Set<SocketLoss> = []
    var isTruncated = false
    /// The names that are known of users.
    var users: [UInt32: String] = [:]

    var isWhole: Bool { !isTruncated && losses.isEmpty }
}

extension HostScene {
    init(_ view: ApplicationView) {
        self.init(
            unattributed: view.unattributed, losses: view.losses, isTruncated: view.isTruncated,
            users: view.processes.reduce(into: [:]) { $0[$1.uid] = $1.user })
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
