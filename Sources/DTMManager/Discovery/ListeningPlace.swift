import DTMCore

/// One place where an application can be reached: a TCP port, at whatever addresses, or a Unix socket.
///
/// Programs bind one port at 127.0.0.1 and at ::1, and several processes share a socket: each of these is one place.
struct ListeningPlace: Hashable, Sendable {
    var target: Target
    var listeners: [ObservedListener]
    var ownerUID: UInt32?
    var application: String?
    var process: ApplicationObservation

    /// The addresses that it is bound to; empty for a Unix socket.
    var addresses: [IPAddress] { listeners.compactMap(\.endpoint?.address) }

    /// All places of the processes given, by port, Unix sockets last. Abstract Unix sockets are left out: a tunnel's
    /// target is a path.
    static func collect(_ processes: [ApplicationObservation]) -> [Self] {
        var ports: [UInt16: Self] = [:]
        var paths: [String: Self] = [:]
        for process in processes {
            for listener in process.listeners {
                if let endpoint = listener.endpoint {
                    ports[endpoint.port] = adding(listener, of: process, to: ports[endpoint.port])
                } else if let path = listener.path {
                    paths[path] = adding(listener, of: process, to: paths[path])
                }
            }
        }
        return ports.sorted { $0.key < $1.key }.map(\.value) + paths.sorted { $0.key < $1.key }.map(\.value)
    }

    private static func adding(_ listener: ObservedListener, of process: ApplicationObservation, to place: Self?)
        -> Self
    {
        var place =
            place
            ?? Self(
                target: .unix(path: ""), listeners: [], ownerUID: listener.uid ?? process.uid,
                application: process.application, process: process)
        if !place.listeners.contains(listener) { place.listeners.append(listener) }
        place.target = bestTarget(place.listeners)
        return place
    }

    /// How to reach it from this host: IPv4 loopback before IPv6 loopback before any other address.
    private static func bestTarget(_ listeners: [ObservedListener]) -> Target {
        if let path = listeners.first?.path { return .unix(path: path) }
        let endpoints = listeners.compactMap(\.endpoint)
        let ranked = endpoints.min { rank($0.address) < rank($1.address) }
        guard let ranked else { return .unix(path: "") }
        let host: String
        switch ranked.address {
        case .v4 where ranked.address.isAny: host = "127.0.0.1"
        case .v6 where ranked.address.isAny: host = "::1"
        default: host = ranked.address.description
        }
        return .tcp(host: host, port: ranked.port)
    }

    private static func rank(_ address: IPAddress) -> Int {
        switch address {
        case .v4: address.isLoopback ? 0 : address.isAny ? 1 : 4
        case .v6: address.isLoopback ? 2 : address.isAny ? 3 : 5
        }
    }
}

extension ObservedListener {
    /// Where a TCP listener is; nil for any other.
    var endpoint: Endpoint? {
        guard transport == .tcp || transport == .tcp6, case .ip(let endpoint) = place else { return nil }
        return endpoint
    }

    /// The path of a Unix socket in the file system; nil for any other.
    var path: String? {
        guard transport == .unix, case .unix(let path) = place, path.hasPrefix("/") else { return nil }
        return path
    }

    /// Whether a connection to `target` comes to this listener. `addresses` is what the target's host stands for.
    func answers(_ target: Target, at addresses: [IPAddress]) -> Bool {
        switch target {
        case .unix(let wanted): return path == wanted
        case .tcp(_, let port):
            guard let endpoint, endpoint.port == port else { return false }
            return addresses.contains { address in
                if address == endpoint.address { return true }
                // A listener at any address also answers at loopback ones; an IPv6 one takes IPv4 as well, unless told
                // not to.
                guard endpoint.address.isAny, address.isLoopback else { return false }
                if case .v6 = endpoint.address { return true }
                if case .v4 = address { return true }
                return false
            }
        }
    }
}
