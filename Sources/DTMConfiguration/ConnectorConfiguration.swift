public import DTMCore

/// One connector of `connectors[]`, which the manager runs itself: a fixed place that leads to a tunnel.
public struct ConnectorConfiguration: Hashable, Sendable {
    /// Where it listens.
    public enum Place: Hashable, Sendable {
        /// A loopback address and a port.
        case tcp(Endpoint)
        /// The absolute path of a Unix socket.
        case unix(path: String)
    }

    /// The tunnel, which may be one that is made at run time.
    public var tunnel: TunnelName
    /// Where it listens.
    public var place: Place
    /// Whether programs of all users may use it, as far as the tunnel's policy lets them; otherwise those of the manager's
    /// user alone.
    public var allowAnyLocal = false

    /// A connector for the manager's user alone.
    public init(tunnel: TunnelName, place: Place) {
        self.tunnel = tunnel
        self.place = place
    }

    /// The most connectors of a file.
    public static let maximumCount = 256
}

extension ConnectorConfiguration.Place: CustomStringConvertible {
    /// As `127.0.0.1:6380` or `unix:/run/redis.sock`.
    public var description: String {
        switch self {
        case .tcp(let endpoint): endpoint.description
        case .unix(let path): "unix:\(path)"
        }
    }
}

extension ConnectorConfiguration {
    /// The place when it is an address, as the key `listen`.
    var listen: Endpoint? {
        get { if case .tcp(let endpoint) = place { endpoint } else { nil } }
        set { if let newValue { place = .tcp(newValue) } }
    }

    /// The place when it is a path, as the key `unix`.
    var unix: String? {
        get { if case .unix(let path) = place { path } else { nil } }
        set { if let newValue { place = .unix(path: newValue) } }
    }
}
