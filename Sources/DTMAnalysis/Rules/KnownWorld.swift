import DTMCore

/// What the rules remember of the past. Bounded in every direction: the oldest is forgotten first.
public struct KnownWorld: Sendable {
    /// A program of a user.
    struct Program: Hashable, Sendable {
        var uid: UInt32
        var executable: String?
    }

    struct Tunnel: Sendable {
        /// Nil: it was there before anything was remembered.
        var since: Timestamp?
        var target: String?
        var app: String?
        /// Endpoints that were live, the latest last.
        var endpoints: [String] = []
        /// Users who were given an identity or used one.
        var users: Set<UInt32> = []
        var programs: Set<Program> = []
    }

    /// After this time what is used for the first time is news.
    static let learning = Duration.seconds(600)
    /// How long clients of a manager that forgets everything may still have the identities of before.
    static let restartGrace = Duration.seconds(120)
    static let mostTunnels = 1_024
    static let mostEndpoints = 360
    static let mostPrograms = 256

    var tunnels: [String: Tunnel] = [:]
    /// Goes up when something is learnt that is worth a save of its own. Endpoints are not: they change all the time.
    public private(set) var change: UInt64 = 0
    private(set) var startedAt: Timestamp?
    private(set) var isEphemeral = true

    public init() {}

    /// Whether clients may still have the identities of the manager before this one.
    func isInRestartGrace(_ time: Timestamp) -> Bool {
        guard isEphemeral, let startedAt else { return false }
        return time - startedAt < Self.restartGrace
    }

    /// Whether it is too early to call anything new.
    func isLearning(_ tunnel: String?, at time: Timestamp) -> Bool {
        guard let startedAt, let tunnel, let known = tunnels[tunnel] else { return true }
        return time - (known.since ?? startedAt) < Self.learning
    }

    /// Whether the user has been let in to the tunnel before.
    func isClient(_ uid: UInt32?, of tunnel: String?) -> Bool {
        guard let uid, let tunnel else { return false }
        return tunnels[tunnel]?.users.contains(uid) ?? false
    }

    func knows(_ program: Program, of tunnel: String) -> Bool {
        tunnels[tunnel]?.programs.contains(program) ?? false
    }

    /// Whether the endpoint is or was live.
    func wasLive(_ endpoint: String?, of tunnel: String?) -> Bool {
        guard let endpoint, let tunnel else { return false }
        return tunnels[tunnel]?.endpoints.contains(endpoint) ?? false
    }

    /// Whether a tunnel stands before the application, or before the port at this address.
    func isFronted(app: String?, port: Int64?) -> Bool {
        tunnels.values.contains { tunnel in
            (app != nil && tunnel.app == app) || (port.map { tunnel.target?.hasSuffix(":\($0)") ?? false } ?? false)
        }
    }

    /// Takes over a tunnel that is there already, as at a start with kept state.
    public mutating func know(tunnel name: String, target: String?, app: String?) {
        guard var known = entry(name) else { return }
        known.target = target ?? known.target
        known.app = app ?? known.app
        tunnels[name] = known
    }

    /// Forgets tunnels that are not there any more.
    public mutating func forget(besides names: Set<String>) {
        tunnels = tunnels.filter { names.contains($0.key) }
    }

    /// Learns from an event. Rules look at it before.
    mutating func learn(_ event: Event) {
        if event.kind == Event.Kind.managerStarted {
            startedAt = event.time
            isEphemeral = event.text("mode") != "sealed"
            return
        }
        guard let name = event.tunnel, event.kind != Event.Kind.tunnelRemoved else {
            if let name = event.tunnel { tunnels[name] = nil }
            change += 1
            return
        }
        guard var known = entry(name) else { return }
        switch event.kind {
        case Event.Kind.tunnelAdded:
            change += 1
            known.since = event.time
            known.target = event.text("target")
            known.app = event.app
        case Event.Kind.tunnelRotated: known.note(endpointOf: event, most: Self.mostEndpoints)
        case Event.Kind.connectGranted:
            guard let uid = event.uid, known.users.count < Self.mostPrograms else { return }
            if known.users.insert(uid).inserted { change += 1 }
        case Event.Kind.connectionOpened, Event.Kind.connectionClosed:
            guard let uid = event.uid, known.programs.count < Self.mostPrograms else { return }
            known.users.insert(uid)
            if known.programs.insert(Program(uid: uid, executable: event.executable)).inserted { change += 1 }
        default: return
        }
        tunnels[name] = known
    }

    private func entry(_ name: String) -> Tunnel? {
        tunnels[name] ?? (tunnels.count < Self.mostTunnels ? Tunnel() : nil)
    }
}

extension KnownWorld.Tunnel {
    fileprivate mutating func note(endpointOf event: Event, most: Int) {
        guard let host = event.text("host"), let port = event.integer("port") else { return }
        let endpoint = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        endpoints.append(endpoint)
        if endpoints.count > most { endpoints.removeFirst(endpoints.count - most) }
    }
}
