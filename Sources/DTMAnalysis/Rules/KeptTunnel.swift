import DTMCore

/// A tunnel of ``KnownWorld`` as it is kept: in order, and with each host of its endpoints once.
struct KeptTunnel {
    struct Endpoint {
        /// The number of the host.
        var host: UInt8
        var port: UInt16
    }

    var name = ""
    var since: Timestamp?
    var target: String?
    var app: String?
    var hosts: [String] = []
    /// The latest last.
    var endpoints: [Endpoint] = []
    var users: [UInt32] = []
    var programs: [KnownWorld.Program] = []

    init() {}

    /// - Parameters:
    ///   - startedAt: Since when a tunnel is known that was there before.
    ///   - most: The most hosts; endpoints at others are left out.
    ///   - text: The longest text in bytes; what is longer is left out.
    init(_ name: String, _ tunnel: KnownWorld.Tunnel, startedAt: Timestamp?, most: Int, text: Int) {
        self.name = name
        since = tunnel.since ?? startedAt
        target = tunnel.target.flatMap { $0.utf8.count <= text ? $0 : nil }
        app = tunnel.app.flatMap { $0.utf8.count <= text ? $0 : nil }
        for endpoint in tunnel.endpoints { add(endpoint, most, text) }
        users = tunnel.users.sorted()
        programs = tunnel.programs.filter { ($0.executable ?? "").utf8.count <= text }
            .sorted { ($0.uid, $0.executable ?? "") < ($1.uid, $1.executable ?? "") }
    }

    private mutating func add(_ endpoint: String, _ most: Int, _ text: Int) {
        guard let colon = endpoint.lastIndex(of: ":"), let port = UInt16(endpoint[endpoint.index(after: colon)...])
        else { return }
        let host = String(endpoint[..<colon])
        guard let index = hosts.firstIndex(of: host) ?? place(host, most, text) else { return }
        endpoints.append(Endpoint(host: UInt8(index), port: port))
    }

    private mutating func place(_ host: String, _ most: Int, _ text: Int) -> Int? {
        guard hosts.count < min(most, 256), host.utf8.count <= text else { return nil }
        hosts.append(host)
        return hosts.count - 1
    }

    /// Lets go of programs that have no room.
    mutating func keepPrograms(within room: Int) {
        var left = room
        programs = programs.prefix { program in
            left -= 7 + (program.executable ?? "").utf8.count
            return left > 0
        }
        .map(\.self)
    }

    var tunnel: KnownWorld.Tunnel {
        var tunnel = KnownWorld.Tunnel()
        tunnel.since = since
        tunnel.target = target
        tunnel.app = app
        tunnel.endpoints = endpoints.map { "\(hosts[Int($0.host)]):\($0.port)" }
        tunnel.users = Set(users)
        tunnel.programs = Set(programs)
        return tunnel
    }
}
